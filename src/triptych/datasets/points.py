"""Points in images, read from a table: one row for each point, in pixels of the image.

Layout: `points.csv` with the columns `path,y_px,x_px` if an image has one point, or `path,name,y_px,x_px` if it has
several. `triptych predict` writes the same table, so predictions that were corrected by hand are data.
"""

import copy
import math
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from triptych.datasets.folders import expect_folder
from triptych.datasets.names import names_below
from triptych.datasets.point_files import find_files
from triptych.datasets.point_records import PointRecords
from triptych.datasets.points_table import PointRow, read_points
from triptych.errors import BadSampleError, MissingDataError
from triptych.images import Scale, check_images, checked_scale

_Floats = npt.NDArray[np.float64]
Outside = Literal["drop", "keep"]
"""What happens to points that lie outside of their image."""


class Points(PointRecords):
    """The images of a table, each with its points; a point without a row or with empty cells is missing there.

    The name of an image is its path below `root`, with `/`, or its whole path if it lies elsewhere.

    Args:
        root: Folder of the table and the images.
        table: Name of the CSV file, below `root`, or its whole path. It names an image by its path relative to the
            table's folder or to `root`, or by its whole path; other spellings are those of `SampleNames`. An image
            without any point has a row with empty cells.
        point_names: Names of the points to take, in this order; None takes all, in the order of the table.
        outside: What happens to points outside of their image: `"drop"` makes them missing, and leaves out an image
            that has no other; `"keep"` keeps them. In both cases a warning counts them and names the first.
        scale: How images of more than 8 bits are read; see `read_rgb`.

    Raises:
        MissingDataError: The folder, the table or an image does not exist.
        BadSampleError: The table lacks a column, has a point twice, a coordinate that is no number, or only fractions
            instead of pixels; or a path may be that of several images.
        ValueError: One of `point_names`, or `outside`, is unknown.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        table: str = "points.csv",
        point_names: Sequence[str] | None = None,
        outside: Outside = "drop",
        scale: Scale | None = None,
    ) -> None:
        if outside not in get_args(Outside):
            raise ValueError(f'outside: expected "drop" or "keep", got {outside!r}.')
        self.root, self.table, self.scale = Path(root), Path(root) / table, checked_scale(scale)
        expect_folder(self.root)
        if not self.root.is_dir():
            raise MissingDataError(f"{root}: no such folder; expected a table of points and images in it.")
        rows = read_points(self.table)
        self.point_names = _chosen_names(self.table, rows, point_names)
        taken = {*(self.point_names or ()), ""}
        self._rows = [row for row in rows if row.name in taken]
        self._files = find_files(self.table, self._rows, self.root)
        self.paths, self.points_px = self._gather()
        self.names = names_below(self.root, self.paths)
        self.missing = _missing_line(self.points_px, self.labels)
        _check_pixels(self.table, self.points_px)
        self._handle_outside(drop=outside == "drop")

    @property
    def labels(self) -> list[str]:
        """Name of each point; numbered if there are no names."""
        return self.point_names or ["point 1"]

    def column(self, heading: str) -> dict[str, str]:
        """The cells of another column of the table, by the name of the image.

        Raises:
            BadSampleError: The table has no such column, or an image has several values in it.
        """
        name_of = dict(zip(self.paths, self.names, strict=True))
        values: dict[str, str] = {}
        for row in self._rows:
            if heading not in row.cells:
                raise BadSampleError(
                    f"{self.table}: expected a column {heading!r}, got {', '.join(row.cells)}; set valid_column to one "
                    "of them."
                )
            name, value = name_of.get(self._files[row.path]), row.cells[heading]
            if name is not None and values.setdefault(name, value) != value:
                raise BadSampleError(
                    f"{self.table}: line {row.line}: expected one value for each image in column {heading!r}, got "
                    f"{value!r} after {values[name]!r} for {name}."
                )
        return values

    def take(self, names: Iterable[str]) -> "Points":
        """The images of some names, in the given order."""
        index_of = _index_of(self.names)
        return self._at([index_of[name] for name in names])

    def _at(self, indices: Sequence[int]) -> "Points":
        some = copy.copy(self)
        some.paths, some.names = [self.paths[index] for index in indices], [self.names[index] for index in indices]
        some.points_px = self.points_px[[*indices]]
        return some

    def _gather(self) -> tuple[list[Path], _Floats]:
        """The images in the order of the table, and their points (N, P, 2)."""
        paths = [*dict.fromkeys(self._files.values())]  # an image may be named in several ways
        number = {path: index for index, path in enumerate(paths)}
        image, column = {text: number[path] for text, path in self._files.items()}, _index_of(self.labels)
        points = np.full((len(paths), len(column), 2), np.nan)
        line_of: dict[tuple[int, str], int] = {}
        for row in self._rows:
            index = image[row.path]
            if (first := line_of.setdefault((index, row.name), row.line)) != row.line:
                what, advice = (f"{row.name!r} of {row.path}", "") if row.name else (row.path, _add_names(self))
                raise BadSampleError(
                    f"{self.table}: expected each point of an image once, got {what} in lines {first} and {row.line}; "
                    f"remove one{advice}."
                )
            if not math.isnan(row.place_px[0]):
                points[index, column.get(row.name, 0)] = row.place_px
        return paths, points

    def _handle_outside(self, drop: bool) -> None:
        sizes = np.array([header.size for header in check_images(self.paths, self.scale)]).reshape(-1, 1, 2)
        outside = ((self.points_px < 0) | (self.points_px >= sizes)).any(axis=2)
        if not outside.any():
            return
        known = ~_is_missing(self.points_px)
        lost = known.any(axis=1) & ~(known & ~outside).any(axis=1)
        image, point = np.argwhere(outside)[0]
        (x, y), (width, height) = self.points_px[image, point], sizes[image, 0]
        treatment = f"dropped, with {lost.sum()} of {len(self)} images that have no other" if drop else "kept"
        warnings.warn(
            f"points: {outside.sum()} of {known.sum()} points lie outside of their image and are {treatment}; the "
            f"first is {self.labels[point]!r} of {self.paths[image]} (x {x:.1f}, y {y:.1f}, image {width}x{height}).",
            stacklevel=3,
        )
        if drop:
            self.points_px[outside] = np.nan
            some = self._at(np.flatnonzero(~lost).tolist())
            self.paths, self.names, self.points_px = some.paths, some.names, some.points_px


def _check_pixels(table: Path, points_px: _Floats) -> None:
    """Refuses places that are fractions of the images, and warns of those at (0, 0)."""
    known = points_px[~_is_missing(points_px)]
    if len(known) > 1 and (np.abs(known) <= 1).all() and (known % 1).any():
        raise BadSampleError(
            f"{table}: expected y_px and x_px in pixels, got {len(known)} points between {known.min():g} and "
            f"{known.max():g}; if they are fractions, multiply y by the height of the image and x by its width."
        )
    at_zero = (known == 0).all(axis=1).sum()
    if at_zero:
        warnings.warn(
            f"{table}: {at_zero} of {len(known)} points lie at (0, 0) and are learned there; if they are missing, as "
            "some programs write it, leave their cells empty.",
            stacklevel=4,
        )


def _index_of(names: Sequence[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(names)}


def _chosen_names(table: Path, rows: Sequence[PointRow], given: Sequence[str] | None) -> list[str] | None:
    """Names of the points to take; None for a single point without a name."""
    there = [*dict.fromkeys(row.name for row in rows if row.name)]
    if not there:
        if given is not None and len(given) != 1:
            raise ValueError(
                f"point_names: expected one name or null, as {table} names no points and so has one in each "
                f"image, got {len(given)}."
            )
        return None if given is None else list(given)
    if text := alike(there):
        warnings.warn(f"{table}: {text}", stacklevel=4)
    if given is None:
        return there
    unknown, repeated = [name for name in given if name not in there], len({*given}) < len(given)
    if unknown or repeated or not given:
        got = f"{unknown[0]!r}" if unknown else "a name twice" if repeated else "none"
        raise ValueError(
            f"point_names: expected some of the points in {table}, got {got}; there are {', '.join(there)}."
        )
    return list(given)


def _bare(name: str) -> str:
    """A name without what two spellings may differ in; pandas writes 1 as 1.0 in a column with empty cells."""
    return "".join(one for one in name.casefold().removesuffix(".0") if one not in " _-") or name


def alike(names: Sequence[str]) -> str:
    """Says which points have names that are probably spellings of one; empty if none have."""
    counts = Counter(map(_bare, names))
    found = [name for name in names if counts[_bare(name)] > 1]
    if not found:
        return ""
    return (
        f"the names of points {', '.join(found)} differ only by case, spaces, hyphens, underscores or '.0', and are "
        "taken for different points."
    )


def _add_names(points: Points) -> str:
    return ", or add a column name if an image has several points" if points.point_names is None else ""


def _missing_line(points_px: _Floats, labels: Sequence[str]) -> str:
    """How many points are missing, in one line; empty if none is."""
    missing = _is_missing(points_px)
    if not missing.any():
        return ""
    counts = sorted(zip(missing.sum(axis=0).tolist(), labels, strict=True), key=lambda pair: -pair[0])
    most = ", ".join(f"{label} in {count}" for count, label in counts[:3] if count)
    more = sum(count > 0 for count, _ in counts[3:])
    return (
        f"points: {missing.sum()} of {missing.size} points are missing, in {missing.any(axis=1).sum()} of "
        f"{len(missing)} images ({most}{f' and {more} more' if more else ''}); they have no loss and no score."
    )


def _is_missing(points_px: _Floats) -> npt.NDArray[np.bool_]:
    """Whether each point is missing. Shape: (N, P, 2) to (N, P)."""
    return np.asarray(np.isnan(points_px).any(axis=2))
