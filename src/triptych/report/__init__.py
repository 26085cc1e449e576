"""A report about a run: one HTML page."""

from triptych.report.saved_data import saved_data
from triptych.report.write import write_report

__all__ = ["saved_data", "write_report"]
