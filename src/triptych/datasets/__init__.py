"""Find the files, read one sample; torch and numpy alone."""

from triptych.datasets.camvid import CamVid
from triptych.datasets.pictures import Pictures

__all__ = ["CamVid", "Pictures"]
