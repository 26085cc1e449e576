"""The place from which scripts of 0.1 import these."""

from triptych.tasks.score_report import NoScoreReport, ScoreReport

__all__ = ["NoScoreReport", "ScoreReport"]
