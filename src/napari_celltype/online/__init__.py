"""Labels while recording: sources that grow, and the answer so far."""

from napari_celltype.online.watch import Update, WatchRequest, follow, watch

__all__ = ["Update", "WatchRequest", "follow", "watch"]
