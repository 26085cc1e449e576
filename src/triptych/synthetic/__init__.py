"""Made-up data, seeded, written in exactly the layouts that the real data sets have."""

from triptych.synthetic.streets import make_streets

__all__ = ["make_streets"]
