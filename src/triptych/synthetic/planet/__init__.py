"""Made-up satellite tiles with tags, in the layout of the Planet competition about the Amazon."""

from triptych.synthetic.planet.make import make_tiles

__all__ = ["make_tiles"]
