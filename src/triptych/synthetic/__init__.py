"""Made-up data from a seed, written in exactly the layouts of the real data sets."""

from triptych.synthetic.biwi import make_portraits
from triptych.synthetic.camvid import make_streets
from triptych.synthetic.imdb import make_reviews
from triptych.synthetic.planet import make_tiles

__all__ = ["make_portraits", "make_reviews", "make_streets", "make_tiles"]
