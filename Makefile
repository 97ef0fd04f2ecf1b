# Two commands do everything on Linux and macOS with git, make, Python 3.11+ and pip:
#
#   make demo    the whole job on a simulated recording, ending in napari
#   make test    the whole test suite, on a virtual screen where one can be had
#
# Both first create .venv and install into it; a second run finds that done.

PYTHON ?= python3
BIN := .venv/bin
DEMO_DIR ?= demo-output
PYTEST_ARGS ?=
PYTHONS ?= 3.11:lowest-direct 3.11:highest 3.12:highest 3.13:highest
# One thread each: two processes that share two cores mostly wait for one another.
PARALLEL := -n 2 --dist worksteal

.PHONY: help setup setup-demo libraries demo test test-quick pythons soak lint audit
.PHONY: docs bench validate clean

help:
	@echo "make demo        set up, run the demo and open napari"
	@echo "make test        set up, run every test"
	@echo "make test-quick  the tests that need no window and no patience"
	@echo "make pythons     the tests on each supported Python, and with the oldest packages"
	@echo "make soak        twenty times as many mutants, kills and openings: some hours"
	@echo "make lint        ruff, mypy, import-linter, the napari manifest"
	@echo "make audit       known vulnerabilities of the installed packages (asks PyPI)"
	@echo "make docs        the pages of docs/ as a site, in build/site"
	@echo "make bench       the benchmarks, printed as ratios of this machine's speed"
	@echo "make validate    what the bundled models can and cannot do, as docs/validation.md"
	@echo "make clean       remove .venv and everything that was built or cached"

setup:
	@$(PYTHON) scripts/setup_env.py

# Without the peers, linters and test tools that only `setup` brings.
setup-demo:
	@$(PYTHON) scripts/setup_env.py all

# The system libraries alone, for `sudo make libraries`.
libraries:
	@$(PYTHON) scripts/setup_env.py --libraries-only

demo: setup-demo
	@if [ "$$(uname)" = Darwin ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		$(BIN)/napari-celltype demo -o "$(DEMO_DIR)"; \
	else \
		echo "No display was found, so the demo opens no window."; \
		$(BIN)/napari-celltype demo --headless -o "$(DEMO_DIR)"; \
	fi

test: setup
	@OMP_NUM_THREADS=1 sh scripts/on_screen.sh \
		$(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

test-quick: setup
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) \
		-m "not slow and not gui" $(PYTEST_ARGS)

pythons: setup
	@set -e; for python in $(PYTHONS); do \
		echo "== $$python"; to=build/python-$$(echo $$python | tr : -); \
		$(BIN)/uv venv -q --seed --clear --python $${python%:*} $$to; \
		$(BIN)/uv pip install -q --python $$to --resolution $${python#*:} \
			-e ".[all,public,test,docs]"; \
		OMP_NUM_THREADS=1 sh scripts/on_screen.sh \
			$$to/bin/python -m pytest $(PARALLEL) $(PYTEST_ARGS); \
	done

soak: setup
	@NAPARI_CELLTYPE_SOAK=20 OMP_NUM_THREADS=1 sh scripts/on_screen.sh \
		$(BIN)/python -m pytest tests/robustness --timeout 36000 $(PYTEST_ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/napari_celltype/napari.yaml
	$(BIN)/pre-commit run --all-files

audit: setup
	$(BIN)/uv tool run pip-audit --path $(BIN)/../lib/python3*/site-packages

docs: setup
	$(BIN)/python -m sphinx -W -q docs build/site

bench: setup
	@status=0; for name in open_recording classify colour large_recording train; do \
		echo "== $$name"; \
		sh scripts/on_screen.sh $(BIN)/python benchmarks/$$name.py || status=1; \
	done; exit $$status

# About half an hour on two cores; what is finished is kept in build/validation.
validate: setup
	$(BIN)/python benchmarks/two_sample.py
	$(BIN)/python benchmarks/difficulty.py
	$(BIN)/python benchmarks/street.py
	$(BIN)/python benchmarks/real_cells.py --json build/validation/real_cells.json
	$(BIN)/python benchmarks/report.py

clean:
	rm -rf .venv .bootstrap build dist "$(DEMO_DIR)"
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
