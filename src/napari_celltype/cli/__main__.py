"""`python -m napari_celltype.cli`, where the script is not on the path."""

from napari_celltype.cli import main

main()
