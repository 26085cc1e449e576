"""The views of an image that test-time augmentation predicts, and what the argument `tta` may say; no torch."""

from collections.abc import Mapping, Sequence
from itertools import product
from numbers import Real
from typing import Any, NamedTuple

TTAChoice = str | dict[str, Any] | None
"""A set of symmetries, `flip` or `dihedral`; scales, `{scales: [0.75, 1, 1.25]}`; or both, each scale with each
symmetry, `{symmetry: flip, scales: [0.75, 1, 1.25]}`. None predicts the image alone."""

Pairs = Sequence[Sequence[int]]
"""Indices of the points that are each other's mirror images, such as a left and a right eye."""

LEAST_SCALE, LARGEST_SCALE = 0.5, 2.0
"""Below one half, bilinear resizing passes over pixels."""


class View(NamedTuple):
    """How an image is changed before it is predicted: mirrored, then transposed, then resized.

    Args:
        upside_down: Whether top and bottom change places.
        mirrored: Whether left and right change places.
        transposed: Whether rows and columns change places, after that.
        scale: By which both sides are multiplied.
    """

    upside_down: bool = False
    mirrored: bool = False
    transposed: bool = False
    scale: float = 1.0

    @property
    def is_reflection(self) -> bool:
        """Whether it is no rotation, so that a left eye looks like a right one."""
        return self.upside_down ^ self.mirrored ^ self.transposed

    @property
    def flipped_axes(self) -> tuple[int, ...]:
        """The axes of an array (..., H, W) that are reversed."""
        return tuple(axis for axis, flips in ((-2, self.upside_down), (-1, self.mirrored)) if flips)

    def size_of(self, height: int, width: int) -> tuple[int, int]:
        """Height and width in pixels of the view of an image that is transposed already, if it is."""
        return max(1, round(self.scale * height)), max(1, round(self.scale * width))


SYMMETRIES: dict[str, list[View]] = {
    "flip": [View(), View(mirrored=True)],
    "dihedral": [View(*flags) for flags in product((False, True), repeat=3)],
}
"""The image and its mirror image; or all eight symmetries of the square, for images without an upper side."""


def views_of(choice: TTAChoice) -> list[View]:
    """The views that are predicted; empty for None.

    Args:
        choice: See `TTAChoice`.

    Raises:
        ValueError: A name or a key is unknown, nothing is chosen, or a scale is out of its range.

    Examples:
        >>> [view.scale for view in views_of({"scales": [0.75, 1]})]
        [0.75, 1.0]
    """
    if choice is None:
        return []
    given = {"symmetry": choice} if isinstance(choice, str) else choice
    if not isinstance(given, Mapping) or not given or given.keys() - {"symmetry", "scales"}:
        raise ValueError(f"tta: expected {_EXPECTED}, got {choice!r}.")
    symmetries = _symmetries(given["symmetry"]) if "symmetry" in given else [View()]
    scales = _scales(given["scales"]) if "scales" in given else [1.0]
    return [view._replace(scale=scale) for scale in scales for view in symmetries]


def pairs_for(views: Sequence[View], pairs: Pairs | None, names: Sequence[str]) -> Pairs:
    """The pairs of points that views need; empty if no view mirrors, or there is a single point.

    Args:
        views: The views.
        pairs: The pairs; None if they are unknown.
        names: Name of each point.

    Raises:
        ValueError: The pairs are needed, and unknown or no pairs of two of the points.
    """
    if not any(view.is_reflection for view in views) or len(names) < 2:
        return ()
    if pairs is None:
        raise ValueError(
            f"tta: expected flip_pairs, which say what of {', '.join(names)} change places in a mirrored image, got "
            "none; pass them to the data module or the model, [] if none do."
        )
    for pair in pairs:
        if len(pair) != 2 or pair[0] == pair[1] or not {*pair} <= {*range(len(names))}:
            raise ValueError(f"flip_pairs: expected pairs of two indices below {len(names)}, got {list(pair)}.")
    return pairs


def mirrored_order(count: int, pairs: Pairs) -> list[int]:
    """For each of so many points the index of its mirror image; its own if it is in no pair."""
    partner = {one: other for pair in pairs for one, other in (tuple(pair), tuple(pair)[::-1])}
    return [partner.get(index, index) for index in range(count)]


def _symmetries(name: object) -> list[View]:
    if not isinstance(name, str) or name not in SYMMETRIES:
        raise ValueError(f"tta: expected {_EXPECTED}, got {name!r}.")
    return SYMMETRIES[name]


def _scales(scales: object) -> list[float]:
    listed = scales if isinstance(scales, Sequence) and not isinstance(scales, str) else []
    for scale in listed or [scales]:
        is_number = isinstance(scale, Real) and not isinstance(scale, bool)
        if not is_number or not LEAST_SCALE <= float(scale) <= LARGEST_SCALE:
            raise ValueError(
                f"tta: scales: expected a list of numbers in [{LEAST_SCALE:g}, {LARGEST_SCALE:g}], such as "
                f"[0.75, 1, 1.25], got {scale!r}."
            )
    return [float(scale) for scale in listed]


_EXPECTED = "flip, dihedral, or a mapping such as {symmetry: flip, scales: [0.75, 1, 1.25]}"
