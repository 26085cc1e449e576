"""Points outside of their image, and points that are missing."""

from collections.abc import Iterator

import numpy as np

from triptych.doctor.findings import Finding, first_of
from triptych.doctor.inventory import Inventory, PointLabels
from triptych.doctor.pixels import size_text

Points = Inventory[PointLabels]


def outside(data: Points) -> Iterator[Finding]:
    """Points that lie outside of their image."""
    files = {}
    for name, points in data.labels.points_px.items():
        header = data.contents[name].header if name in data.contents else None
        if header is None:
            continue
        beyond = ((points < 0) | (points >= header.size)).any(axis=1)
        if beyond.any():
            x, y = points[beyond][0]
            files[data.relative(data.images[name])] = f"x {x:.1f}, y {y:.1f} in {size_text(header.size)}"
    if files:
        message = f"{len(files)} of {len(data.labels.points_px)} images have a point outside; {first_of(files)}."
        advice = "correct them; the argument outside drops or keeps them."
        yield Finding("warning", "points-outside", message, advice, files)


def corner(data: Points) -> Iterator[Finding]:
    """Points at (0, 0), which is how some programs write a missing one."""
    places = {name: (points == 0).all(axis=1) for name, points in data.labels.points_px.items()}
    files = {data.relative(data.images[name]): "x 0, y 0" for name, at_zero in places.items() if at_zero.any()}
    if files:
        message = f"{sum(map(sum, places.values()))} points lie at (0, 0), in {len(files)} of {len(places)} images."
        yield Finding("warning", "points-at-zero", message, "leave their cells empty if they are missing.", files)


def missing(data: Points) -> Iterator[Finding]:
    """Images whose points are missing, some or all."""
    gone = {name: np.isnan(points).any(axis=1).sum() for name, points in data.labels.points_px.items()}
    files = {data.relative(data.images[name]): f"{count} missing" for name, count in gone.items() if count}
    if files:
        message = f"{sum(gone.values())} points are missing, in {len(files)} of {len(gone)} images."
        yield Finding("warning", "points-missing", message, "a missing point has no loss and no score.", files)
