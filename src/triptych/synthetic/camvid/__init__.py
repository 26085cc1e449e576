"""Made-up street videos with masks, in the layout of CamVid."""

from triptych.synthetic.camvid.make import make_streets

__all__ = ["make_streets"]
