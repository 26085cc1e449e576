"""Points of one's own for Lightning: a table, a seeded random split, and BIWI's augmentations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from lightning.pytorch.utilities import rank_zero_info
from matplotlib.figure import Figure

from triptych.datamodules.split import HeldOut, by_values
from triptych.datamodules.split_module import SplitDataModule
from triptych.datasets.names import SampleNames
from triptych.datasets.point_corrections import read_point_corrections
from triptych.datasets.points import Outside, Points
from triptych.datasets.sample import Sample
from triptych.draw.batch import point_batch
from triptych.errors import BadSampleError
from triptych.runs.plain_values import plain
from triptych.transforms import Pipeline, biwi_pipeline

FlipPairs = list[list[str | int]]
"""Points that are each other's mirror images, such as a left and a right eye: their names, or indices from 0."""


class PointsDataModule(SplitDataModule):
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
        valid_fraction: Fraction of the images drawn at random for validation, in (0, 1). See `SplitDataModule` for
            other ways to split, which replace the default.
        valid_column: Column of the table that splits instead: true or false, 1 or 0, yes or no (true validates), or
            train, valid or test.
        loading: Further arguments of `SplitDataModule`, but `download`.

    Raises:
        ValueError: An argument is out of its range.
    """

    target = "point"
    data_set, noun = "points", "image"
    lesson: ClassVar = {"valid_fraction": 0.2}
    corrections_layout = ("images", "points.csv")

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
        valid_column: str | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, valid_fraction=valid_fraction, **loading)
        if self.download:
            raise ValueError("download: expected false, as no copy of your own images can be fetched, got true.")
        self.valid_column, self.flip_pairs = valid_column, plain(flip_pairs)
        names = None if point_names is None else [str(name) for name in plain(point_names)]
        self.layout: dict[str, Any] = {"table": table, "point_names": names, "outside": outside, "scale": self.scale}
        self._images: Points | None = None
        self._is_told = False
        _ = self.way  # refuses two

    @property
    def images(self) -> Points:
        """All images of the table, from all splits."""
        if self._images is None:
            raise RuntimeError("PointsDataModule: call setup() first; the table has not been read yet.")
        return self._images

    @property
    def metadata(self) -> dict[str, Any]:
        """`num_points`, `point_names` if they have names, and `flip_pairs` if given; empty until the table is read."""
        if self._images is None:
            return {}
        names, labels = self._images.point_names, self._images.labels
        pairs = None if self.flip_pairs is None else index_pairs(self.flip_pairs, labels)
        known = {"num_points": len(labels), "point_names": names or None, "flip_pairs": pairs}
        return {name: value for name, value in known.items() if value is not None}

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
        images = self._images = Points(self.root, **self.layout)
        self._names = SampleNames(images.names, self.root, self.root, noun=self.noun)
        index_pairs(self.flip_pairs or [], images.labels)
        self._refuse_unknown_places(images)
        if is_first and images.missing:
            rank_zero_info(images.missing)
        if is_first:
            self._tell_numbered_names(images.labels)

    def _tell_numbered_names(self, labels: Sequence[str]) -> None:
        """Says that a number in `flip_pairs` is taken for a name, where it is the index of another point too."""
        numbers = [point for pair in self.flip_pairs or [] for point in pair if isinstance(point, int)]
        both = [number for number in numbers if str(number) in labels and labels.index(str(number)) != number]
        if both:
            rank_zero_info(
                f"points: flip_pairs names points, so {both[0]} is the one named {str(both[0])!r} and not the one at "
                f"index {both[0]}."
            )

    def _refuse_unknown_places(self, images: Points) -> None:
        """Refuses a point that no image has, as nothing can be learned of it."""
        unknown = [
            label
            for label, place in zip(images.labels, images.points_px.swapaxes(0, 1), strict=True)
            if np.isnan(place).any(axis=1).all()
        ]
        if unknown:
            raise BadSampleError(
                f"{images.table}: expected each point in some image, got {unknown[0]!r} in none; "
                "correct its rows, or leave it out of point_names."
            )

    @property
    def ways(self) -> dict[str, Any]:
        return {**super().ways, "valid_column": self.valid_column}

    @property
    def sources(self) -> list[Path]:
        return [*super().sources, self.root / self.layout["table"]]

    def by_valid_column(self, names: Sequence[str]) -> HeldOut:
        """Holds out what the column of the table says; see `by_valid_list`."""
        assert self.valid_column is not None
        values = self.images.column(self.valid_column)
        return by_values({name: values[name] for name in names}, self.valid_column, self.images.table)

    def take(self, names: Sequence[str]) -> Points:
        """Images by their names; see `Points.names`."""
        return self.images.take(names)

    def read_corrections(self, folder: Path) -> Points:
        """Images of a table `points.csv` in pixels, with the points of the data."""
        return read_point_corrections(folder, self.images.point_names, self.layout["outside"], self.scale)


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
