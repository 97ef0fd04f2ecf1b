"""torch comes in the background, and no slow library with the docks."""

import subprocess
import sys

import pytest

CODE = """
import sys
import napari_celltype.gui.app
import napari_celltype.gui.commands
from napari_celltype.models import list_models
list_models()
heavy = {"torch", "suite2p", "sklearn", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
from napari_celltype.gui.opening import import_torch_in_background
import threading
import_torch_in_background()
workers = [t for t in threading.enumerate() if t.name == "import torch"]
assert len(workers) == 1
workers[0].join()
assert "torch" in sys.modules
"""


@pytest.mark.slow
def test_only_the_background_thread_imports_torch():
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=240)
