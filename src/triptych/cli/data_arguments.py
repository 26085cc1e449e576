"""A data module from the arguments of a command: a data set's name and folder, or a configuration."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from triptych.cli.parser import Parser
from triptych.datamodules.base import TriptychDataModule
from triptych.errors import UsageError
from triptych.runs.plain_yaml import read_yaml

DATA_SETS = {
    "camvid": "triptych.CamVidDataModule",
    "biwi": "triptych.BIWIDataModule",
    "planet": "triptych.PlanetDataModule",
    "points": "triptych.PointsDataModule",
    "imdb": "triptych.IMDBDataModule",
}
"""Data modules by the names of the data sets whose layouts they read."""


def data_options(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options `--data.NAME VALUE`, and all other arguments."""
    options: list[str] = []
    others: list[str] = []
    is_value = False
    for arg in args:
        is_option = not is_value and arg.startswith("--data.")
        (options if is_option or is_value else others).append(arg)
        is_value = is_option and "=" not in arg
    return options, others


def chosen_data(
    name: str | None, folder: str | None, configs: Sequence[str] | None, options: Sequence[str]
) -> TriptychDataModule:
    """The data module of a data set's name and folder, or of configurations; see `build_data`.

    Raises:
        UsageError: Both are given, or neither.
    """
    if configs is not None:
        if name is not None:
            raise UsageError(f"expected NAME DIR or --config FILE, got both: {name}, {configs[0]}.")
        settings = configured_data(configs)
    elif name is not None and folder is not None:
        settings = {"class_path": DATA_SETS[name], "init_args": {"root": folder}}
    else:
        raise UsageError(f"expected a data set ({', '.join(DATA_SETS)}) and its folder, or --config FILE.")
    return build_data(settings, options)


def build_data(settings: dict[str, Any], options: Sequence[str]) -> TriptychDataModule:
    """The data module of `class_path` and `init_args`, changed by options of the command line.

    Raises:
        UsageError: An option or argument does not exist, or its value is of the wrong type.
        ValueError: A value is out of its range.
    """
    parser = Parser(prog="triptych")
    parser.add_subclass_arguments(TriptychDataModule, "data")
    parser.set_defaults({"data": settings})
    built: TriptychDataModule = parser.instantiate(parser.parse_args(list(options))).data
    return built


def configured_data(configs: Sequence[str]) -> dict[str, Any]:
    """`class_path` and `init_args` of the data in configurations, of which a later one goes before an earlier one.

    Raises:
        UsageError: A file cannot be read, or none has data.
    """
    settings: dict[str, Any] = {"init_args": {}}
    for config in configs:
        try:
            data = read_yaml(Path(config)).get("data") or {}
            settings |= {**data, "init_args": {**settings["init_args"], **(data.get("init_args") or {})}}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise UsageError(f"config: expected a YAML file with `data:`, {error}") from error
    if "class_path" not in settings:
        raise UsageError(f"{', '.join(configs)}: expected `data:` with a class_path, got none.")
    return settings
