"""One LightningDataModule for each data set."""

from triptych.datamodules.camvid import CamVidDataModule

__all__ = ["CamVidDataModule"]
