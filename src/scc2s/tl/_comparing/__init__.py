"""Two sets of cells side by side."""
