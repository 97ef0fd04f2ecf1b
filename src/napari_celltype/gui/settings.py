"""What the window remembers from one day to the next."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError, OutputError
from napari_celltype.files import write_text_atomically

FOLDER_VARIABLE = "NAPARI_CELLTYPE_SETTINGS"
_FILE = "settings.json"


class Settings:
    """A small JSON file in the user's configuration folder, read anew at each use."""

    @property
    def path(self) -> Path:
        """The file."""
        given = os.environ.get(FOLDER_VARIABLE)
        return Path(given or user_config_path("napari-celltype", False)) / _FILE

    def get(self, key: str, default: Any = None) -> Any:
        """Return what was set, or the default."""
        return self._read().get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Remember a value that JSON can hold."""
        content = self._read()
        if content.get(key) == value and key in content:
            return
        with suppress(OutputError):
            write_text_atomically(self.path, json.dumps(content | {key: value}))

    def folder(self, key: str) -> str:
        """Return the folder that was used last for something; empty if it is gone."""
        path = self.get(f"folder of {key}", "")
        return path if isinstance(path, str) and path and Path(path).is_dir() else ""

    def set_folder(self, key: str, path: Path) -> None:
        """Remember the folder of a file or a folder that was chosen."""
        self.set(f"folder of {key}", str(path if path.is_dir() else path.parent))

    def tree(self) -> TypeTree:
        """Return the types with the user's own ones and colours."""
        tree = DEFAULT_TYPES
        stored = self.get("types", [])
        for entry in stored if isinstance(stored, list) else []:
            try:
                name, parent, color = entry["name"], entry["parent"], entry["color"]
                if name in [t.name for t in tree.types]:
                    tree = tree.with_color(name, color)
                else:
                    tree = tree.with_type(name, color=color, parent=parent)
            except (LabelError, KeyError, TypeError, AttributeError):
                continue
        return tree

    def set_tree(self, tree: TypeTree) -> None:
        """Remember the user's own types and colours."""
        own = [t for t in tree.types if t not in DEFAULT_TYPES.types]
        self.set(
            "types",
            [{"name": t.name, "parent": t.parent, "color": t.color} for t in own],
        )

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}
