"""A check of a whole data set before training: what is wrong with it, in which files, and what to do."""

from triptych.doctor.examine import examine
from triptych.doctor.findings import Finding

__all__ = ["Finding", "examine"]
