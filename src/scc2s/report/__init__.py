"""What is known of a data set, as one HTML file."""

from ._report import report

__all__ = ["report"]
