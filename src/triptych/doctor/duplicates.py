"""Samples that occur twice, exactly or nearly, and those of which both sides of the split have one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from triptych.doctor.contents import ImageContent
from triptych.doctor.findings import Finding
from triptych.doctor.inventory import DataSet, Inventory

_MAX_BITS = 4
"""Bits of 64 in which the hashes of near duplicates may differ."""
_MAX_DIFFERENCE = 6.0
"""Mean difference of near duplicates in grey levels, of 16x16 pixels."""
_MIN_CONTRAST = 4.0
"""Standard deviation in grey levels, of 16x16 pixels, below which an image is too flat to be compared."""
_BLOCK = 1024
"""Images that are compared with all others at once."""


def exact(data: Inventory[Any]) -> Iterator[Finding]:
    """Images with the same pixels."""
    same: dict[bytes, list[str]] = defaultdict(list)
    for name, one in data.contents.items():
        if one.digest:
            same[one.digest].append(name)
    yield from copies(data, same.values(), "same pixels as")


def copies(data: DataSet, same: Iterable[Sequence[str]], alike: str) -> Iterator[Finding]:
    """Findings about samples that are the same.

    Args:
        data: The data set.
        same: Names of the samples, those that are the same together.
        alike: What two of them have, such as "same pixels as".
    """
    across, within = _by_split(data, {name: names for names in same if len(names) > 1 for name in names})
    if across:
        message = f"{len(across)} {data.word}s to validate or test on have the {alike} one to train on."
        advice = "remove them, or change the split."
        yield Finding("error", "duplicates-across", message, advice, _files(alike, across), across)
    if within:
        message = f"{len(within)} {data.word}s have the {alike} another one on their side of the split."
        advice = "remove them, unless they should count more."
        yield Finding("warning", "duplicates", message, advice, _files(alike, within), within)


def near(data: Inventory[Any]) -> Iterator[Finding]:
    """Images that look like another one."""
    across, within = _by_split(data, _alike(data.contents))
    if across:
        message = f"{len(across)} images to validate or test on look like one to train on."
        advice = "look at them; remove copies, and hold out whole videos or scenes."
        yield Finding("warning", "near-duplicates-across", message, advice, _files("looks like", across), across)
    if within:
        message = f"{len(within)} images look like another one on their side of the split."
        advice = "copies can be removed; frames of a video are alike."
        yield Finding("note", "near-duplicates", message, advice, _files("looks like", within), within)


def _by_split(data: DataSet, twins: Mapping[str, Sequence[str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Paths of held-out samples with that of a twin in training; and of others with an earlier twin in their split."""
    across, within = {}, {}
    order = {name: position for position, name in enumerate(data.names)}
    for name, others in twins.items():
        split, path = data.split_of.get(name), data.path_of(name)
        trained = (other for other in others if data.split_of.get(other) == "train")
        earlier = (other for other in others if order[other] < order[name] and data.split_of.get(other) == split)
        if split in ("val", "test") and (twin := next(trained, None)):
            across[path] = data.path_of(twin)
        elif twin := next(earlier, None):
            within[path] = data.path_of(twin)
    return across, within


def _files(word: str, twins: Mapping[str, str]) -> dict[str, str]:
    return {path: f"{word} {twin}" for path, twin in twins.items()}


def _alike(contents: Mapping[str, ImageContent]) -> dict[str, list[str]]:
    """Other images that each looks like, those of the same pixels left out."""
    pairs: dict[str, list[str]] = defaultdict(list)
    shown = {name: one for name, one in contents.items() if one.small.std() >= _MIN_CONTRAST}
    if not shown:
        return pairs
    names, ones = list(shown), list(shown.values())
    small = np.stack([one.small for one in ones]).astype(np.float32)
    for i, j in _close_bits(np.stack([one.bits for one in ones])):
        if ones[i].digest != ones[j].digest and np.abs(small[i] - small[j]).mean() <= _MAX_DIFFERENCE:
            pairs[names[i]].append(names[j])
    return pairs


def _close_bits(bits: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Both orders of each pair of rows that differ in few bits; as a product of matrices, a few rows at once.

    Args:
        bits: Bool (N, 64).
    """
    signs = 2 * bits.astype(np.float32) - 1
    for start in range(0, len(signs), _BLOCK):
        distances = (signs.shape[1] - signs[start : start + _BLOCK] @ signs.T) / 2
        for i, j in np.argwhere(distances <= _MAX_BITS).tolist():
            if start + i != j:
                yield start + i, j
