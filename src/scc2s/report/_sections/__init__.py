"""Chapters of a report: one a file, each ``section(adata)``, which reads what is there and asks no model."""
