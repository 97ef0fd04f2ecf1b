"""The napari door: reader, layers, dock widgets, and the window of the terminal."""
