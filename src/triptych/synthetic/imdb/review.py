"""One made-up review: a label, and a text that the grammar gives for it."""

import random
import re

from triptych.synthetic.imdb.grammar import OPINIONS, RULES

LABELS = ("negative", "positive")

_SLOT = re.compile(r"<([+-]?)([\w ]+)>")


def review(seed: int, row: int) -> tuple[str, str]:
    """Label and text of a row; a function of the two numbers, the same on each platform.

    Args:
        seed: Seed of the data set, at least 0.
        row: Number of the row, at least 0.
    """
    writer = _Writer(f"{seed}/{row}")
    return LABELS[writer.positive], writer.text()


class _Writer:
    """Draws one review; a word is not drawn again before all of its kind were drawn.

    Args:
        key: Seed of the draws. `Random.random` gives the same numbers for it with each version of Python.
    """

    def __init__(self, key: str) -> None:
        self._rng = random.Random(key)
        self._drawn: set[str] = set()
        self.positive = self._rng.random() < 0.5

    def text(self) -> str:
        return self._written("review", self.positive)

    def _written(self, name: str, positive: bool) -> str:
        """A text for a rule, or a word of an opinion, on one of the two sides."""
        if name.lower() in OPINIONS:
            good, bad = OPINIONS[name.lower()]
            word = self._draw(good if positive else bad)
            return word.upper() if name.isupper() else word
        return _SLOT.sub(lambda slot: self._written(slot[2], positive == (slot[1] != "-")), self._draw(RULES[name]))

    def _draw(self, options: tuple[str, ...]) -> str:
        left = [option for option in options if option not in self._drawn] or options
        drawn = left[int(self._rng.random() * len(left))]
        self._drawn.add(drawn)
        return drawn
