"""The data module of a run, rebuilt from its configuration."""

import json
from pathlib import Path
from typing import Any

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.checks import checked_size
from triptych.datamodules.images import ImageDataModule
from triptych.files import as_path
from triptych.runs.layout import RunLayout, checkpoint_of, run_of, stage_number
from triptych.runs.loaded import loaded_class
from triptych.runs.plain_yaml import read_yaml


def saved_data(run: str | Path, root: str | Path | None = None) -> TriptychDataModule:
    """The data module of a run's `config.yaml`; for a recipe, with the image size of the stage that saved the weights.

    Args:
        run: The run folder, or a checkpoint in it.
        root: Folder of the data; None takes the one in the configuration.

    Raises:
        FileNotFoundError: The run has no configuration, because it comes from a script.
        ValueError: The data module cannot be built from the configuration, or its class is not loaded.
    """
    run = as_path(run)
    folder = run if run.is_dir() else run_of(run) or run.parent
    config = RunLayout(folder).config
    if not config.is_file():
        raise FileNotFoundError(
            f"{config}: expected the configuration that `triptych fit` saves, found none; "
            "for a run of a script pass the data from Python, as the argument `data`."
        )
    data = _build(config, {} if root is None else {"root": str(root)})
    if isinstance(data, ImageDataModule) and RunLayout(folder).recipe.is_file():
        data.image_size = _stage_size(RunLayout(folder), checkpoint_of(run))
    return data


def _build(config: Path, changed: dict[str, Any]) -> TriptychDataModule:
    try:
        saved = read_yaml(config)["data"]
        data_class = loaded_class(f"{config}: data.class_path", saved["class_path"], TriptychDataModule)
        data: TriptychDataModule = data_class(**{**saved["init_args"], **changed})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{config}: its data module cannot be built, {error}.") from error
    return data


def _stage_size(layout: RunLayout, checkpoint: Path) -> tuple[int, int]:
    """(height, width) of the stage that saved the checkpoint; of the last one if no single stage did."""
    plans = json.loads(layout.recipe.read_text(encoding="utf-8"))["plans"]
    plan = plans[stage_number(checkpoint) - 1]
    return checked_size("image_size", plan["stage"]["image_size"])
