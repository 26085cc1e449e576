"""Points of one's own for Lightning: a table, a seeded random split, and BIWI's augmentations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from lightning.pytorch.utilities import rank_zero_info
from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.datasets.points import Outside, Points
from triptych.datasets.sample import Records, Sample, Split
from triptych.draw.batch import point_batch
from triptych.runs.plain_values import plain
from triptych.transforms import Pipeline, biwi_pipeline

FlipPairs = list[list[str | int]]
"""Points that are each other's mirror images, such as a left and a right eye: their names, or indices from 0."""


class PointsDataModule(TriptychDataModule):
    """Data module for a table of points: one point in each image, or several with names.

    The table has the columns `path,y_px,x_px`, and `name` if an image has several points; `triptych predict` writes
    one. Points that are missing in some images are neither trained on nor scored there; a line counts them.

    Args:
        root: Folder of the table and the images.
        image_size: (height, width) in pixels; BIWI's by default.
        batch_size: Images per batch, or "auto"; see `TriptychDataModule`.
        table: Name of the CSV file, below `root`, or its whole path. It names an image by its path relative to the
            table's folder or to `root`, or by its whole path.
        point_names: Names of the points to take, in this order; None takes all, in the order of the table.
        flip_pairs: Pairs of points that change places in a mirrored image, such as `[[left_eye, right_eye]]`, by names
            or by indices from 0; `[]` if none do. None mirrors images with a single point only.
        outside: What happens to points outside of their image: `"drop"` makes them missing, and leaves out an image
            that has no other; `"keep"` keeps them.
        valid_fraction: Fraction of the images drawn at random for validation, in (0, 1).
        loading: Further arguments of `TriptychDataModule`, but `download`.

    Raises:
        ValueError: An argument is out of its range.
    """

    target = "point"

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int] = (120, 160),
        batch_size: int | Literal["auto"] = 64,
        *,
        table: str = "points.csv",
        point_names: list[str | int] | None = None,
        flip_pairs: FlipPairs | None = None,
        outside: Outside = "drop",
        valid_fraction: float = 0.2,
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, **loading)
        if not 0 < valid_fraction < 1:
            raise ValueError(f"valid_fraction: expected a fraction between 0 and 1, got {valid_fraction}.")
        if self.download:
            raise ValueError("download: expected false, as no copy of your own images can be fetched, got true.")
        self.valid_fraction, self.flip_pairs = valid_fraction, plain(flip_pairs)
        names = None if point_names is None else [str(name) for name in plain(point_names)]
        self.layout: dict[str, Any] = {"table": table, "point_names": names, "outside": outside}
        self._images: Points | None = None
        self._is_told = False

    @property
    def images(self) -> Points:
        """All images of the table, from all splits."""
        if self._images is None:
            raise RuntimeError("PointsDataModule: call setup() first; the table has not been read yet.")
        return self._images

    @property
    def metadata(self) -> dict[str, Any]:
        """`num_points`, and `point_names` if they have names; empty until the table is read."""
        if self._images is None:
            return {}
        names = self._images.point_names
        return {"num_points": len(self._images.labels), **({"point_names": names} if names else {})}

    def train_pipeline(self) -> Pipeline:
        """BIWI's augmentations; none moves a point out of the image."""
        labels = self.images.labels
        if self.flip_pairs is None and len(labels) > 1:
            self._tell_unmirrored()
            return biwi_pipeline(self.image_size, None)
        return biwi_pipeline(self.image_size, index_pairs(self.flip_pairs or [], labels))

    def _tell_unmirrored(self) -> None:
        if not self._is_told:
            self._is_told = True
            rank_zero_info(
                "points: no training image is mirrored, as flip_pairs does not say which points then change places, "
                "such as a left and a right eye; [] if none do."
            )

    def draw_batch(self, samples: Sequence[Sample], columns: int) -> Figure:
        return point_batch(samples, columns)

    def find(self) -> None:
        is_first = self._images is None
        self._images = Points(self.root, **self.layout)
        index_pairs(self.flip_pairs or [], self._images.labels)
        if is_first and self._images.missing:
            rank_zero_info(self._images.missing)

    def split(self, name: Split) -> Records:
        """The validation images, drawn at random; or, for `"train"`, all others."""
        valid = self._valid_names()
        names = [image for image in self.images.names if (image in valid) != (name == "train")]
        if not names:
            raise ValueError(f"points: no images for {name!r} out of {len(self.images)}; change the split.")
        return self.take(names)

    def take(self, names: Sequence[str]) -> Points:
        """The images of some names; see `Points.names`."""
        return self.images.only(names)

    def train_paths(self) -> list[Path]:
        images = self.records["train"]
        assert isinstance(images, Points)
        return images.paths

    def _valid_names(self) -> set[str]:
        names = self.images.names
        order = np.random.default_rng(self.seed).permutation(len(names))
        return {names[index] for index in order[: round(self.valid_fraction * len(names))]}


def index_pairs(flip_pairs: FlipPairs, labels: Sequence[str]) -> list[tuple[int, int]]:
    """Indices of the points of each pair.

    Args:
        flip_pairs: Pairs of names or indices.
        labels: Name of each point.

    Raises:
        ValueError: A pair is not one of two different points, or a point is unknown or in two pairs.
    """
    pairs = [[_index_of(point, labels) for point in pair] for pair in flip_pairs]
    counted: set[int] = set()
    for pair, given in zip(pairs, flip_pairs, strict=True):
        if len({*pair}) != 2 or len(pair) != 2 or counted & {*pair}:
            raise ValueError(
                f"flip_pairs: expected pairs of two points, each in one pair, such as [[left_eye, right_eye]], got "
                f"{given!r}."
            )
        counted |= {*pair}
    return [(one, other) for one, other in pairs]


def _index_of(point: str | int, labels: Sequence[str]) -> int:
    if str(point) in labels:
        return labels.index(str(point))
    if isinstance(point, int) and 0 <= point < len(labels):
        return point
    raise ValueError(
        f"flip_pairs: expected names of points, or indices below {len(labels)}, got {point!r}; there are "
        f"{', '.join(labels)}."
    )
