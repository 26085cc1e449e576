"""Made-up data, seeded, written in exactly the layouts that the real data sets have."""

from triptych.synthetic.biwi import make_portraits
from triptych.synthetic.camvid import make_streets
from triptych.synthetic.planet import make_tiles

__all__ = ["make_portraits", "make_streets", "make_tiles"]
