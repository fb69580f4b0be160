"""What is known of a data set, as one HTML file."""

from ._report import check_ending, report

__all__ = ["check_ending", "report"]
