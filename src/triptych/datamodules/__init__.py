"""One LightningDataModule for each data set."""

from triptych.datamodules.biwi import BIWIDataModule, leave_one_person_out
from triptych.datamodules.camvid import CamVidDataModule
from triptych.datamodules.imdb import IMDBDataModule
from triptych.datamodules.planet import PlanetDataModule
from triptych.datamodules.points import PointsDataModule

__all__ = [
    "BIWIDataModule",
    "CamVidDataModule",
    "IMDBDataModule",
    "PlanetDataModule",
    "PointsDataModule",
    "leave_one_person_out",
]
