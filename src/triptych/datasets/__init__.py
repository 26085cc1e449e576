"""Data sets: each finds its files and reads one sample at a time, without Lightning."""

from triptych.datasets.biwi import BIWI
from triptych.datasets.camvid import CamVid
from triptych.datasets.pictures import Pictures
from triptych.datasets.planet import Planet
from triptych.datasets.points import Points

__all__ = ["BIWI", "CamVid", "Pictures", "Planet", "Points"]
