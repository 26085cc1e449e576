"""Made-up film reviews, in the layout of the course's sample of IMDB."""

from triptych.synthetic.imdb.make import make_reviews

__all__ = ["make_reviews"]
