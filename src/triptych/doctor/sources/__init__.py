"""Where the files of a data set are, and what tells about them, by task."""

import copy

from triptych.datamodules import (
    BIWIDataModule,
    CamVidDataModule,
    IMDBDataModule,
    PlanetDataModule,
    PointsDataModule,
)
from triptych.datamodules.base import TriptychDataModule
from triptych.doctor.attempts import Attempts
from triptych.doctor.inventory import DataSet, Inventory, PointLabels
from triptych.doctor.sources.frames import street_frames
from triptych.doctor.sources.portraits import portraits
from triptych.doctor.sources.table_of_points import images_of_table
from triptych.doctor.sources.table_of_texts import texts_of_table
from triptych.doctor.sources.tiles import tiles


def take_inventory(data: TriptychDataModule) -> DataSet:
    """The files, labels and splits of a data set, before an image is read.

    Raises:
        ValueError: It is none of the kinds that the doctor knows.
    """
    if not data.root.is_dir():
        return _nothing(data)
    if isinstance(data, CamVidDataModule):
        return street_frames(data)
    if isinstance(data, PlanetDataModule):
        return tiles(data)
    if isinstance(data, BIWIDataModule):
        return portraits(data)
    if isinstance(data, PointsDataModule):
        return images_of_table(data)
    if isinstance(data, IMDBDataModule):
        return texts_of_table(data)
    raise ValueError(f"data: expected one of triptych's data modules or a subclass, got {type(data).__name__}.")


def _nothing(data: TriptychDataModule) -> DataSet:
    attempt = Attempts(data.root)
    attempt("folder", data.root, copy.copy(data).find)
    return Inventory(data.root, "sample", [*attempt.faults()], {}, {}, PointLabels({}, []))
