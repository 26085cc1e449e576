"""Checks of texts with labels, once they are split."""

import warnings
from collections.abc import Sequence

from triptych.datasets.texts import TextRecord
from triptych.errors import BadSampleError


def categories_of(train: Sequence[TextRecord], held_out: Sequence[TextRecord], where: object) -> list[str]:
    """The labels of the texts to train on, sorted.

    Args:
        train: Texts to train on.
        held_out: Texts to validate or test.
        where: Where they are, for an error.

    Raises:
        BadSampleError: There are fewer than two labels, or a text that is held out has another.
    """
    labels = sorted({record["label"] for record in train if record["label"] is not None})
    if len(labels) < 2:
        raise BadSampleError(
            f"{where}: expected at least 2 labels among the {len(train)} texts to train on, got "
            f"{', '.join(labels) or 'none'}."
        )
    unknown = [record for record in held_out if record["label"] not in labels]
    if unknown:
        first = unknown[0]
        raise BadSampleError(
            f"{where}: expected only labels that occur in training ({', '.join(labels)}), got {first['label']!r} in "
            f"{first['path']}, and so for {len(unknown)} of {len(held_out)} texts that are held out; correct them, or "
            "split in another way."
        )
    return labels


def warn_of_leaks(train: Sequence[TextRecord], held_out: Sequence[TextRecord], where: object) -> None:
    """Warns if texts that are held out are trained on too, whatever their white space and case.

    Args:
        train: Texts to train on.
        held_out: Texts to validate or test.
        where: Where they are, for the warning.
    """
    places = {spelling(record["text"]): record["path"] for record in train}
    leaked = [record for record in held_out if spelling(record["text"]) in places]
    if leaked:
        first = leaked[0]
        twin = places[spelling(first["text"])]
        warnings.warn(
            f"{where}: {len(leaked)} of {len(held_out)} texts that are held out are trained on too, so scores will be "
            f"too good; the first is {first['path']}, the same as {twin}; remove one of each.",
            stacklevel=3,
        )


def spelling(text: str) -> str:
    """A text without its case and its kinds of white space, in which two copies may differ."""
    return " ".join(text.casefold().split())
