"""Groups of cells and lists of genes."""
