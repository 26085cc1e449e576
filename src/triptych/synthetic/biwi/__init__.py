"""Made-up head portraits with poses, in the layout of the BIWI Kinect head-pose set."""

from triptych.synthetic.biwi.make import make_portraits

__all__ = ["make_portraits"]
