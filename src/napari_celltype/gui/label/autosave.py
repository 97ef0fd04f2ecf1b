"""Labels that save themselves, for all open recordings of a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal

from napari_celltype.gui.label.label_saver import LabelSaver, SaveState
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.session import Session
from napari_celltype.gui.settings import Settings
from napari_celltype.labels import LabelTable
from napari_celltype.labels.merging import changed_rows

LABELS_FOLDER = "labels folder"
_LOOK_MS = 50
_WATCH_MS = 5000

_NO_FOLDER = (
    "These traces have no recording folder, so labels are not kept; export them."
)


class Autosave(QObject):
    """Saves what the user edits, and tells how that went.

    Parameters
    ----------
    session : Session
    labelling : Labelling

    Attributes
    ----------
    changed : Signal(str)
        It stands otherwise with the labels of a recording; with its key.
    """

    changed = Signal(str)

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        self._savers: dict[str, LabelSaver] = {}
        self._told: dict[str, SaveState] = {}
        self._look_timer = self._timer(_LOOK_MS, self._look)
        self._watch_timer = self._timer(_WATCH_MS, self.check)
        self._watch_timer.start()
        for signal in (session.opened, session.replaced):
            signal.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        labelling.edited.connect(self.save)

    def state(self, key: str) -> SaveState:
        """Return how it stands with the labels of a recording."""
        saver = self._savers.get(key)
        if saver is not None:
            return saver.state
        return self._told.get(key, SaveState("unchanged"))

    def save(self, key: str) -> None:
        """Save the labels of a recording."""
        saver = self._savers.get(key)
        if saver is None:
            self._tell(key, SaveState("failed", _NO_FOLDER))
            return
        saver.save(self._labels(key))
        self._tell(key, saver.state)
        self._look_timer.start()

    def check(self) -> None:
        """Look whether somebody else has changed the labels of the active recording."""
        active = self._session.active
        saver = None if active is None else self._savers.get(active.key)
        if saver is not None:
            saver.check()
            self._look_timer.start()

    def keep_mine(self, key: str) -> str:
        """Overwrite what somebody else has saved; return what to say about it."""
        self._savers[key].save(self._labels(key), ask=False)
        self._look_timer.start()
        return ""

    def take_theirs(self, key: str) -> str:
        """Take over what somebody else has saved; undo brings mine back.

        Raises
        ------
        LabelError
            If the file cannot be read.
        """
        keeper = self._savers[key].keeper
        self._adopt(key, keeper.load(self._session.tree) or LabelTable())
        return ""

    def merge(self, key: str) -> str:
        """Put both sides together; return a sentence for each ROI they differ on.

        Where both changed the same ROI, the label in this window stays.

        Raises
        ------
        LabelError
            If the file cannot be read.
        """
        merged = self._savers[key].keeper.merge(self._labels(key))
        self._adopt(key, merged.table)
        return "\n".join(dispute.sentence for dispute in merged.disputes)

    def move(self, key: str, folder: Path) -> None:
        """Keep labels in a folder of the user's choice from now on."""
        Settings().set(LABELS_FOLDER, str(folder))
        for other, saver in self._savers.items():
            saver.keeper.move_to(folder)
            if other == key or saver.state.troubled:
                self.save(other)

    def _labels(self, key: str) -> LabelTable:
        opened = self._session.recordings[key]
        return opened.labels or LabelTable(tree=self._session.tree)

    def _adopt(self, key: str, labels: LabelTable) -> None:
        self._session.set_tree(self._session.tree.with_types_of(labels.tree))
        self._labelling.apply(key, labels)
        # Also where both are the same: what is in the file now is known then.
        self.save(key)

    def _on_opened(self, key: str) -> None:
        keeper = self._session.recordings[key].keeper
        if keeper is not None and (
            key not in self._savers or self._savers[key].keeper is not keeper
        ):
            self._savers[key] = LabelSaver(keeper, rescue_folder())
        self._tell(key, self.state(key))
        labels = self._labels(key)
        if keeper is not None and (
            changed_rows(keeper.base, labels)
            or labels.set_aside != keeper.base.set_aside
        ):
            # Read again before they could be saved.
            self.save(key)

    def _on_closed(self, key: str) -> None:
        self._told.pop(key, None)
        self._look_timer.start()

    def _part(self) -> None:
        """Let the savers of closed recordings go, and say what they did not save."""
        closed = self._savers.keys() - self._session.recordings.keys()
        for key in [key for key in closed if not self._savers[key].busy]:
            state = self._savers.pop(key).state
            if state.troubled and state.copy:
                self._session.tell(
                    f"A recording was closed before its labels were saved: "
                    f"{state.sentence} {state.copy} Import... reads it."
                )

    def _look(self) -> None:
        """Tell what the savers have come to."""
        self._part()
        # First, so that what a saver ends with in between is told the next time.
        busy = any(saver.busy for saver in self._savers.values())
        for key, saver in self._savers.items():
            if self._told.get(key) != saver.state:
                self._tell(key, saver.state)
        if not busy:
            self._look_timer.stop()

    def _tell(self, key: str, state: SaveState) -> None:
        self._told[key] = state
        self.changed.emit(key)

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer


def rescue_folder() -> Path:
    """Return the folder for labels that cannot be saved in their place."""
    return Settings().path.parent / "rescued labels"


def labels_folder() -> Path | None:
    """Return the labels folder of the user's choice, None for beside the recordings."""
    chosen = Settings().get(LABELS_FOLDER)
    return Path(chosen) if isinstance(chosen, str) and chosen else None
