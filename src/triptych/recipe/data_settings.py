"""What a recipe sets in the data; in a data module that is not of this package it sets nothing."""

from typing import Any

import lightning as L

from triptych.datamodules.base import TriptychDataModule

_OF_ALL = ("sample_weights", "micro_batches", "first_epoch", "stored_views")


def data_settings(data: L.LightningDataModule) -> dict[str, Any]:
    """What a recipe may set in the data, by name, with its current values; empty for data of another package."""
    if not isinstance(data, TriptychDataModule):
        return {}
    return {name: getattr(data, name) for name in (*sorted(data.CHANGEABLE), *_OF_ALL)}


def set_in_data(data: L.LightningDataModule, **values: Any) -> None:
    """Sets those of the values that the data have; `micro_batches` after `batch_size`, which resets it."""
    for name in data_settings(data):
        if name in values:
            setattr(data, name, values[name])
