"""Corrections of points, from a table such as the data set's own."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triptych.datasets.points import Outside, Points
from triptych.errors import BadSampleError
from triptych.images import Scale


def read_point_corrections(
    folder: Path, point_names: Sequence[str] | None, outside: Outside, scale: Scale | None
) -> Points:
    """The images of `points.csv`, with the points of the data in their order; one without a row is missing.

    Args:
        folder: Folder of the corrections.
        point_names: Names of the points of the data; None for a single point without a name.
        outside: See `Points`.
        scale: See `Points`.

    Raises:
        MissingDataError: See `Points`.
        BadSampleError: See `Points`; or the table has another point.
    """
    found = Points(folder, outside=outside, scale=scale)
    if len(point_names or [""]) == len(found.labels) == 1 and None in (point_names, found.point_names):
        return found
    names, there = list(point_names or ["one without a name"]), found.point_names or ["rows without a name"]
    if unknown := [name for name in there if name not in names]:
        raise BadSampleError(
            f"{found.table}: expected the points of the data, {', '.join(names)}, got {', '.join(unknown)}."
        )
    corrections = copy.copy(found)
    corrections.point_names = names
    corrections.points_px = np.full((len(found), len(names), 2), np.nan)
    corrections.points_px[:, [names.index(name) for name in there]] = found.points_px
    return corrections
