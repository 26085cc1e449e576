"""A warning about many files, given once."""

import warnings
from collections.abc import Hashable

_given: set[Hashable] = set()


def warn_once(about: Hashable, text: str) -> None:
    """Warns, unless a warning `about` the same was given in this process."""
    if about not in _given:
        _given.add(about)
        warnings.warn(text, stacklevel=2)
