"""The data that a model is described and scored with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lightning.pytorch.utilities import rank_zero_info

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.checks import checked_size
from triptych.datamodules.images import ImageDataModule
from triptych.datamodules.imdb import IMDBDataModule
from triptych.datamodules.saved_data import saved_data
from triptych.errors import MissingDataError, one_line
from triptych.runs.layout import RunLayout, run_of
from triptych.tasks.base import TransferTask


class RunData(NamedTuple):
    """What is known about the data of a run.

    Args:
        image_size: (height, width) of the validation images; None for texts.
        arguments: Those of the data module; empty if the run does not say them.
        module: The data module, after `setup("validate")`; None if there are no data to score on.
    """

    image_size: tuple[int, int] | None
    arguments: Mapping[str, Any]
    module: TriptychDataModule | None


def data_of(
    checkpoint: Path, model: TransferTask, data: TriptychDataModule | None, image_size: tuple[int, int] | None
) -> RunData:
    """The given data, else those of the checkpoint's run; a line says why there are none to score on.

    Texts are numbered with the model's vocabulary, whatever the data would make.

    Args:
        checkpoint: The checkpoint.
        model: Its model.
        data: Data that were given.
        image_size: (height, width) of the validation images, for a run of a script.

    Raises:
        ValueError: The run does not say the size of its images; or it does, or has none, and one is given.
    """
    if image_size is not None and model.input != "image":
        raise ValueError(f"image_size: expected none for a model of texts, got {image_size}.")
    run = run_of(checkpoint)
    has_config = run is not None and RunLayout(run).config.is_file()
    if image_size is not None and (data is not None or has_config):
        raise ValueError("image_size: expected none, as the data say it; it is for a run without config.yaml alone.")
    if data is not None:
        _give_vocabulary(data, checkpoint)
        data.prepare_data()
        data.setup("validate")
        return RunData(_size(data), data.arguments, data)
    if not has_config:
        if image_size is None and model.input == "image":
            raise ValueError(
                f"{checkpoint}: expected a run with config.yaml, which says the size of its images, got none, as for a "
                "run of a script; pass `--image-size HEIGHT WIDTH`, or the argument `data` from Python."
            )
        rank_zero_info(f"{checkpoint}: exported without scores and card of the data, since there is no config.yaml.")
        return RunData(image_size and checked_size("image_size", image_size), {}, None)
    return _saved(checkpoint)


def _saved(checkpoint: Path) -> RunData:
    data = saved_data(checkpoint)
    _give_vocabulary(data, checkpoint)
    size = _size(data)
    try:
        data.setup("validate")
    except (OSError, ValueError) as error:
        hint = " If the data were moved, pass --root DIR." if isinstance(error, MissingDataError) else ""
        rank_zero_info(f"exported without scores and card of the data: {one_line(error)}{hint}")
        return RunData(size, data.arguments, None)
    return RunData(size, data.arguments, data)


def _give_vocabulary(data: TriptychDataModule, checkpoint: Path) -> None:
    if isinstance(data, IMDBDataModule):
        data.given_vocab = str(checkpoint)


def _size(data: TriptychDataModule) -> tuple[int, int] | None:
    return (data.valid_size or data.image_size) if isinstance(data, ImageDataModule) else None
