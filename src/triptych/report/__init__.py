"""A report about a run: one HTML page."""

from triptych.report.write import write_report

__all__ = ["write_report"]
