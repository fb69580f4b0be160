"""Cells that a model writes."""
