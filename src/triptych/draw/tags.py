"""Tags as words: found, missed and invented, told apart by colour and by sign."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from torch import Tensor

from triptych.draw.text import Word

FOUND, MISSED, INVENTED = "#006B4F", "#B03A00", "#5B2A9D"
"""Green, vermilion and violet, dark enough to be read on white (contrast above 5), and apart for the colour-blind."""
MEANINGS = {FOUND: "✓ found", MISSED: "− missed", INVENTED: "+ invented"}  # noqa: RUF001 (as wide as the plus)
"""What each colour means, after its sign."""


def tag_words(given: Tensor, labels: Tensor, tags: Sequence[str]) -> list[Word]:
    """Those found first, then those missed, then those invented.

    Args:
        given: Whether each tag was given, bool (L,).
        labels: Whether it is true, bool (L,).
        tags: Their names.
    """
    kinds = {FOUND: given & labels, MISSED: ~given & labels, INVENTED: given & ~labels}
    return [
        Word(f"{MEANINGS[color][0]} {tags[i]}", color)
        for color, chosen in kinds.items()
        for i in chosen.nonzero().flatten()
    ]


def tag_keys() -> tuple[list[tuple[Artist, str]], list[str]]:
    """Handles and labels of a legend, and the colours of the labels."""
    return [(Line2D([], [], linestyle="none"), meaning) for meaning in MEANINGS.values()], list(MEANINGS)
