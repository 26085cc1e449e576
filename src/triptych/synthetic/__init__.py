"""Made-up data, seeded, written in exactly the layouts that the real data sets have."""

from triptych.synthetic.portraits import make_portraits
from triptych.synthetic.streets import make_streets
from triptych.synthetic.tiles import make_tiles

__all__ = ["make_portraits", "make_streets", "make_tiles"]
