"""How many ROIs are labelled and when that was saved, with a way out of trouble."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.errors import CellTypeError
from napari_celltype.gui.asking import ask_folder
from napari_celltype.gui.label.autosave import Autosave
from napari_celltype.gui.label.label_saver import SaveState
from napari_celltype.gui.listening import listen
from napari_celltype.gui.notice import Notice
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session

# Black on amber reads in either theme.
_AMBER = "background: #FFC247; color: #1A1A1A; padding: 3px; border-radius: 3px;"


class SaveLine(QWidget):
    """A line such as "412 ROIs, 58 labelled, saved 14:02:11"; amber in trouble.

    Parameters
    ----------
    session : Session
    autosave : Autosave
    """

    def __init__(self, session: Session, autosave: Autosave) -> None:
        super().__init__()
        self._session, self._autosave = session, autosave
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setToolTip("Labels save themselves with each change")
        self.trouble = Notice()
        self.folder = _button(
            "Choose folder...",
            "Keep labels in a folder of your choice, for recordings that are read-only",
            self.ask_for_folder,
        )
        self.again = _button("Try again", "Save once more in the same place", self.save)
        self.merge = _button(
            "Merge",
            "Keep both people's labels; where both changed the same ROI, yours stay",
            self._merge,
        )
        self.theirs = _button(
            "Take theirs", "Load what they saved; Undo brings yours back", self._theirs
        )
        self.mine = _button(
            "Keep mine", "Overwrite what they saved with what you see", self._mine
        )
        ways = QHBoxLayout()
        ways.setContentsMargins(0, 0, 0, 0)
        for button in (self.again, self.folder, self.merge, self.theirs, self.mine):
            ways.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.line)
        layout.addWidget(self.trouble)
        layout.addLayout(ways)
        autosave.changed.connect(self._on_changed)
        listen(self, session.activated, self.show_state)
        listen(self, session.labelled, self._on_labelled)
        self.show_state()

    def show_state(self) -> None:
        """Show how it stands with the labels of the active recording."""
        active = self._session.active
        kind = None if active is None else self._autosave.state(active.key).kind
        has_keeper = active is not None and active.keeper is not None
        for button in (self.again, self.folder):
            button.setVisible(kind == "failed" and has_keeper)
        for button in (self.merge, self.theirs, self.mine):
            button.setVisible(kind == "conflict")
        if active is None:
            self.line.setText("No recording is open")
            self.line.setStyleSheet("")
            self.trouble.clear()
            return
        state = self._autosave.state(active.key)
        self.line.setText(status_text(active, state))
        self.line.setStyleSheet(_AMBER if state.troubled else "")
        said = " ".join(filter(None, (state.sentence, state.copy)))
        if said != self.trouble.text:
            self.trouble.show_text(said)

    def save(self) -> None:
        """Save the labels of the active recording once more."""
        if self._session.active is not None:
            self._autosave.save(self._session.active.key)

    def ask_for_folder(self) -> None:
        """Ask where labels are to be kept from now on."""
        folder = ask_folder(self, "Folder for labels", "labels")
        if folder is not None and self._session.active is not None:
            self._autosave.move(self._session.active.key, folder)

    def _merge(self) -> None:
        self._settle(self._autosave.merge)

    def _theirs(self) -> None:
        self._settle(self._autosave.take_theirs)

    def _mine(self) -> None:
        self._settle(self._autosave.keep_mine)

    def _settle(self, way: Callable[[str], str]) -> None:
        active = self._session.active
        if active is None:
            return
        try:
            said = way(active.key)
        except CellTypeError as error:
            said = str(error)
        self._session.tell(said)

    def _on_changed(self, key: str) -> None:
        self.show_state()

    def _on_labelled(self, key: str) -> None:
        if self._session.active is not None and key == self._session.active.key:
            self.show_state()


def status_text(opened: OpenRecording, state: SaveState) -> str:
    """Return the line about the labels of a recording."""
    given = [row for row in opened.labels or () if row.label]
    accepted = sum(row.source == "prediction" for row in given)
    parts = [f"{opened.recording.n_rois} ROIs", f"{len(given) - accepted} labelled"]
    if accepted:
        parts.append(f"{accepted} accepted")
    if state.kind == "failed":
        parts.append("⚠ not saved")
    elif state.kind == "conflict":
        parts.append("⚠ changed by somebody else")
    elif state.kind == "saving":
        parts.append("saving ...")
    elif state.when is not None:
        parts.append(f"saved {state.when:%H:%M:%S}")
    return ", ".join(parts)


def _button(text: str, tip: str, slot: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(slot)
    button.hide()
    return button
