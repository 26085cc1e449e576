"""Tags as words: true positives, false negatives and false positives, each with its own colour and sign."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from torch import Tensor

from triptych.draw.text import GREEN, VERMILION, VIOLET, Word

_TRUE_POSITIVE, _FALSE_NEGATIVE, _FALSE_POSITIVE = GREEN, VERMILION, VIOLET
MEANINGS = {
    _TRUE_POSITIVE: "✓ true positive",
    _FALSE_NEGATIVE: "− false negative",  # noqa: RUF001 (as wide as the plus)
    _FALSE_POSITIVE: "+ false positive",
}
"""Sign and meaning of each colour."""


def tag_words(preds: Tensor, target: Tensor, tags: Sequence[str]) -> list[Word]:
    """True positives first, then false negatives, then false positives.

    Args:
        preds: Whether each tag is predicted, bool (L,).
        target: Whether each tag is true, bool (L,).
        tags: Names of the tags.
    """
    kinds = {_TRUE_POSITIVE: preds & target, _FALSE_NEGATIVE: ~preds & target, _FALSE_POSITIVE: preds & ~target}
    return [
        Word(f"{MEANINGS[color][0]} {tags[i]}", color)
        for color, chosen in kinds.items()
        for i in chosen.nonzero().flatten()
    ]


def tag_keys() -> tuple[list[tuple[Artist, str]], list[str]]:
    """Handles and labels of a legend, and the colours of the labels."""
    return [(Line2D([], [], linestyle="none"), meaning) for meaning in MEANINGS.values()], list(MEANINGS)
