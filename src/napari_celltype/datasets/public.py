"""Public sets by name: what is known about them, and their download from DANDI."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from napari_celltype import progress
from napari_celltype.errors import CellTypeError, MissingDependencyError

_SOURCE = re.compile(r"dandi:(\d{6})(?:[@/](\S+))?", re.IGNORECASE)

# What each set is, and what to mind; from the archives' own documents, no file was
# opened when this was written.
PUBLIC_SETS = {
    "000535": (
        "Allen OpenScope, V1, flicker: PY, PV, SOM, VIP by Cre line; dF/F only",
        "PV has GCaMP6s and the others GCaMP6f, so that a network can tell PV by the "
        "indicator",
        "PY and PV are 2 mice each",
    ),
    "000625": (
        "Losonczy laboratory, CA1 interneurons with subtypes, one mouse",
        "one mouse: nothing can be tested on another animal",
    ),
    "000711": (
        "Allen Visual Behavior: PY, SOM, VIP by Cre line; 1.5 TB",
        "there is no PV",
        "types differ in line, indicator and animals",
    ),
    "000728": (
        "Allen Visual Coding: PY, PV, SOM, VIP by Cre line",
        "some subject ids may be containers of sessions, not mice",
    ),
    "000039": ("Allen, contrast tuning: PY, SOM, VIP by Cre line; raw fluorescence",),
    "000049": ("Allen, TF x SF tuning: PY and SOM by Cre line; raw fluorescence",),
}


@dataclass(frozen=True)
class Offer:
    """What would be downloaded."""

    identifier: str
    version: str
    licence: str
    # Path in the set, size in bytes and identifier of each file.
    files: tuple[tuple[str, int, str], ...]
    n_all: int
    client: Any

    def described(self, folder: Path) -> str:
        """Return what a user agrees to."""
        size = sum(size for _, size, _ in self.files) / 1e9
        about, *caveats = PUBLIC_SETS.get(self.identifier, ("",))
        about = about and f" ({about})"
        return (
            f"dandi:{self.identifier} version {self.version}{about}: {len(self.files)} "
            f"of {self.n_all} files, {size:.2g} GB, licence {self.licence}, into "
            f"{folder}." + "".join(f" Mind: {caveat}." for caveat in caveats)
        )


def is_public(source: str) -> bool:
    """Tell whether a source is the name of a public set, not a path."""
    return source.casefold().startswith("dandi:")


def find_offer(
    source: str,
    limit: int | None = None,
    *,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> Offer:
    """Ask the archive what a public set holds; nothing is downloaded.

    Of a set that tells them by name, the files with imaging data are taken; of a
    limited number, one of each animal first.
    """
    if (match := _SOURCE.fullmatch(source)) is None:
        known = ", ".join(f"dandi:{name}" for name in PUBLIC_SETS)
        raise CellTypeError(
            f"{source!r} is no public set; give dandi: and six digits, such as {known}."
        )
    api = _dandi("dandiapi")

    def ask() -> tuple[Any, Any, list[tuple[str, int, str]], str]:
        client = api.DandiAPIClient()
        dandiset = client.get_dandiset(match[1], match[2])
        metadata = dandiset.get_raw_metadata()
        listed = [
            (str(asset.path), int(asset.size), str(asset.identifier))
            for asset in dandiset.get_assets()
            if str(asset.path).lower().endswith(".nwb")
            and asset.asset_type.name == "BLOB"
        ]
        return client, metadata, listed, str(dandiset.version_id)

    with _one_sentence(source):
        client, metadata, listed, version = progress.wait_for(ask, should_stop)
    files = [one for one in listed if "ophys" in one[0].rpartition("/")[2]] or listed
    if not files:
        raise CellTypeError(f"{source} holds no .nwb file; check its identifier.")
    places, seen = {}, Counter[str]()
    for path, *_ in sorted(files):
        subject = path.partition("/")[0]
        places[path] = seen[subject], path
        seen[subject] += 1
    files.sort(key=lambda one: places[one[0]])
    licences = [str(text).removeprefix("spdx:") for text in metadata.get("license", ())]
    return Offer(
        match[1],
        version,
        ", ".join(licences) or "not given",
        tuple(files[:limit]),
        len(listed),
        client,
    )


def download(
    offer: Offer,
    folder: Path,
    *,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> tuple[list[Path], list[str]]:
    """Download the files that are not there yet, one after the other.

    What was there in part goes on. Returns the files, and a sentence for each that
    could not be had.
    """
    downloads, urls = _dandi("download"), _dandi("dandiarchive")
    files, failures, total = list[Path](), list[str](), len(offer.files)
    for number, (path, size, identifier) in enumerate(offer.files):
        url = urls.AssetIDURL(
            instance=offer.client.dandi_instance,
            dandiset_id=offer.identifier,
            version_id=offer.version,
            asset_id=identifier,
        )
        downloader = downloads.Downloader(
            url=url,
            output_dir=folder,
            existing=downloads.DownloadExisting.REFRESH,
            get_metadata=False,
            get_assets=True,
            preserve_tree=True,
            jobs_per_zarr=None,
            on_error="raise",
        )
        try:
            with _one_sentence(path):
                records = iter(downloader.download_generator())
                following = partial(next, records, None)
                while (record := progress.wait_for(following, should_stop)) is not None:
                    if record.get("status") == "error":
                        raise RuntimeError(record.get("message"))
                    share = f"{record.get('done', 0) / 1e6:.0f} of {size / 1e6:.0f} MB"
                    on_progress(
                        progress.Progress(
                            f"Downloading {Path(path).name}, {share}", number, total
                        )
                    )
            files.append(folder / offer.identifier / path)
        except CellTypeError as error:
            failures.append(str(error))
    return files, failures


def _dandi(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"dandi.{module}")
    except ImportError as error:
        raise MissingDependencyError(
            f"Public sets are downloaded by the package dandi ({error}); install it "
            "with: python -m pip install dandi"
        ) from None


@contextmanager
def _one_sentence(what: str) -> Iterator[None]:
    """Turn what the client and the connection raise into one sentence."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, LookupError) as error:
        raise CellTypeError(
            f"{what} cannot be downloaded ({f'{error}':.200}); check the identifier "
            f"and the connection, and give the same command again: it goes on where "
            f"it was."
        ) from None
