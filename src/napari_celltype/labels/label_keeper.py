"""The label file of one recording, as one window reads and writes it.

Two windows, or two people on one share, may have the same recording open. Each keeps
the digest of the file that it last read or wrote; when the file is another one at the
next save, somebody else has saved in between, and nothing is overwritten unasked.
"""

from __future__ import annotations

import hashlib
import time
from datetime import datetime
from pathlib import Path

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelConflict, LabelError
from napari_celltype.labels.label_file import label_file, load_labels, save_labels
from napari_celltype.labels.merging import (
    MergedLabels,
    Side,
    changed_rows,
    merge_labels,
)
from napari_celltype.labels.notes import counted, first_few
from napari_celltype.labels.saving_mark import saving_alone
from napari_celltype.labels.table import LabelTable
from napari_celltype.recording import Recording

# The coarsest clock of a file system (FAT, some shares) steps by 2 s. A file that has
# kept its stamp for longer than this can only change together with its stamp.
_CLOCK_STEP = 5.0


class LabelKeeper:
    """Reads and saves the labels of a recording, and notices that others did.

    Use it from one thread at a time.

    Parameters
    ----------
    recording : Recording
    labels_dir : str or Path, optional
        A folder of the user's choice, for data that is read-only; see `label_file`.

    Attributes
    ----------
    base : LabelTable
        The labels as they were last read from the file or written to it; empty before.
    """

    def __init__(
        self, recording: Recording, labels_dir: str | Path | None = None
    ) -> None:
        self.recording = recording
        self.labels_dir = labels_dir
        self.base = LabelTable()
        self._digest: bytes | None = None
        self._stamp: tuple[int, ...] | None = None
        self._stamp_since = time.monotonic()
        self._settled = False
        self._finding: tuple[bytes | None, str | None] | None = None

    @property
    def path(self) -> Path:
        """Where the labels are saved.

        Raises
        ------
        LabelError
            If the traces come from elsewhere and have no folder.
        """
        return label_file(self.recording, self.labels_dir)

    def load(self, tree: TypeTree = DEFAULT_TYPES) -> LabelTable | None:
        """Read the labels, and take note of the file that they were in.

        Returns
        -------
        LabelTable or None
            None where there is no label file, or the traces have no folder.

        Raises
        ------
        LabelError
            As `load_labels`.
        """
        if self.recording.path is None:
            return None
        # Noted first: a change while it is read is then noticed at the next save.
        stamp, digest = _stamp(self.path), _digest(self.path)
        table = load_labels(self.recording, self.labels_dir, tree)
        self._note(stamp, digest, table or LabelTable(tree=tree))
        return table

    def save(self, labels: LabelTable) -> Path:
        """Save labels, unless somebody else has saved since the last look.

        Returns
        -------
        Path
            The label file.

        Raises
        ------
        LabelConflict
            If the file is no longer the one that was read or written here, with who
            changed it and when; nothing is written. `merge` or `overwrite` go on.
        LabelError, OutputError
            As `save_labels`, and if the file that is there cannot be read.
        """
        return self._save(labels, ask=True)

    def overwrite(self, labels: LabelTable) -> Path:
        """Save labels whatever is in the file.

        Raises
        ------
        LabelError, OutputError
            As `save_labels`.
        """
        return self._save(labels, ask=False)

    def changed(self) -> str | None:
        """Say that somebody else has changed the file; None if nobody has.

        Cheap enough to be asked every few seconds: once the file has kept its size and
        time for a while, only these are looked at.

        Raises
        ------
        LabelError
            If the file cannot be read, or the recording's folder is gone.
        """
        if self.recording.path is None:
            return None
        self._require_folder()
        stamp, now = _stamp(self.path), time.monotonic()
        if stamp != self._stamp:
            self._stamp, self._stamp_since, self._settled = stamp, now, False
        if not self._settled:
            self._compare(_digest(self.path))
            self._settled = now - self._stamp_since > _CLOCK_STEP
        return self._finding[1] if self._finding else None

    def merge(
        self,
        mine: LabelTable,
        base: LabelTable | None = None,
        theirs: LabelTable | None = None,
        *,
        prefer: Side = "mine",
    ) -> MergedLabels:
        """Put my labels together with those of the file; see `merge_labels`.

        The file counts as read, so that the result can be saved.

        Parameters
        ----------
        mine : LabelTable
        base : LabelTable, optional
            What both started from; by default what was last read or written here.
        theirs : LabelTable, optional
            By default the labels in the file as it is now; mine where it is gone.
        prefer : {"mine", "theirs"}
            Whose label an ROI gets that both changed.

        Raises
        ------
        LabelError
            If the file cannot be read; it can only be overwritten or moved away.
        """
        plane = self.recording.plane
        mine = mine.for_plane(plane)
        base = self.base if base is None else base
        if theirs is None:
            theirs = self.load(mine.tree)
        if theirs is None:
            return MergedLabels(mine, ())
        return merge_labels(
            mine, base.for_plane(plane), theirs.for_plane(plane), prefer
        )

    def move_to(self, labels_dir: str | Path | None) -> Path:
        """Save to another labels folder from now on (None: beside the recording).

        A label file that is there already is somebody else's until it is read.

        Returns
        -------
        Path
            Where the labels are saved from now on.
        """
        self.labels_dir = labels_dir
        self._note(None, None, LabelTable(tree=self.base.tree))
        return self.path

    def _save(self, labels: LabelTable, *, ask: bool) -> Path:
        path = self.path
        self._require_folder()
        with saving_alone(path):
            if ask:
                finding = self._compare(_digest(path))
                if finding is not None:
                    raise LabelConflict(finding)
            save_labels(self.recording, labels, self.labels_dir)
            saved = _stamp(path), _digest(path)
        self._note(*saved, labels.for_plane(self.recording.plane))
        return path

    def _require_folder(self) -> None:
        # A disk that is not connected shall not become a folder with labels in it.
        folder = self.recording.path
        if self.labels_dir is None and folder is not None and not folder.is_dir():
            raise LabelError(
                f"{folder} is not there any more; connect its disk, or choose another "
                f"folder for the labels."
            )

    def _note(
        self, stamp: tuple[int, ...] | None, digest: bytes | None, base: LabelTable
    ) -> None:
        self._stamp, self._digest, self.base = stamp, digest, base
        self._stamp_since, self._settled = time.monotonic(), False
        self._finding = None

    def _compare(self, digest: bytes | None) -> str | None:
        """Say how a file of that digest differs from the one that is known."""
        if digest == self._digest:
            self._finding = None
        elif self._finding is None or self._finding[0] != digest:
            sentence = self._describe_change(digest)
            if sentence is None:
                self._digest = digest
            self._finding = None if sentence is None else (digest, sentence)
        return self._finding[1] if self._finding else None

    def _describe_change(self, digest: bytes | None) -> str | None:
        path = self.path
        if digest is None:
            return (
                f"{path} was moved or deleted after it was read here; save the labels "
                f"to put them back, or choose another labels folder."
            )
        theirs = load_labels(self.recording, self.labels_dir, self.base.tree)
        if theirs is None:
            return None
        rows = changed_rows(self.base, theirs)
        known = {t.name for t in self.base.tree.types}
        new_types = [t.name for t in theirs.tree.types if t.name not in known]
        if not rows and not new_types and theirs.set_aside == self.base.set_aside:
            # Written again, and nothing in it is different.
            return None
        what = f"{counted(len(rows), 'label')} differ" + "s" * (len(rows) == 1)
        if rows:
            what += f": ROI {first_few(map(str, rows))}"
        names = {row.annotator for row in rows.values() if row is not None}
        who = " and ".join(sorted(names - {""})) or "somebody else"
        if self._digest is None:
            return (
                f"{path} holds labels that were not read here, saved by {who}"
                f"{_when(path)} ({what}); merge both, or overwrite theirs."
            )
        return (
            f"{path} was changed by {who}{_when(path)} ({what}) after it was read or "
            f"saved here; merge both, or overwrite theirs."
        )


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _digest(path: Path) -> bytes | None:
    """Return the digest of a file; None where there is none.

    Raises
    ------
    LabelError
        If it is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LabelError(
            f"{path} cannot be read ({error.strerror or error}); check its permissions "
            f"and that its disk is connected."
        ) from None


def _when(path: Path) -> str:
    """Return when a file was last saved, in words and local time."""
    try:
        then = datetime.fromtimestamp(path.stat().st_mtime)
    except OSError:
        return ""
    today = then.date() == datetime.now().date()
    return then.strftime(" at %H:%M:%S" if today else " on %Y-%m-%d at %H:%M")
