"""The identity of a fit or a recipe of the command line, from its configuration."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from triptych.recipe.stage import STAGE_FIELDS
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.identity import arguments_of, first_difference, is_word
from triptych.runs.layout import RunLayout
from triptych.runs.plain_yaml import read_yaml
from triptych.trainer.processes import number_of_devices, number_used

_LENGTHS = ("max_epochs", "max_steps", "max_time", "min_epochs", "min_steps")
"""The arguments of a Trainer that say how long a fit is."""
_FROM_BEFORE = ("model.encoder_weights", "data.vocab")
"""What a recipe that begins with another one has filled in."""


def difference(run: Path, now: Mapping[str, Any]) -> str | None:
    """What a configuration changes of a run's identity, in words, such as `seed_everything was 0, now 5`.

    Args:
        run: The run folder.
        now: Configuration of a fit or a recipe.

    Returns:
        The first difference; None if there is none, or only `run_recipe` can tell.
    """
    trainer, layout = now["trainer"], RunLayout(run)
    wanted = _identity(now, number_used(trainer.get("devices", "auto"), trainer.get("accelerator", "auto")))
    if not layout.config.is_file():
        return None if "stages" in now else f"its settings are not known without {layout.config.name}"
    saved = read_yaml(layout.config)
    was = _identity(saved, number_of_devices(saved["trainer"].get("devices")))
    if saved.get("ckpt_path"):  # of a resumed fit, whose checkpoint has filled in what the data had given
        left_out = {name for name in wanted if wanted[name] is None or name == "model.encoder_weights"}
        was = {name: value for name, value in was.items() if not (name.startswith("model.") and name in left_out)}
    if saved.get("before"):
        was = {name: value for name, value in was.items() if name not in _FROM_BEFORE}
    return first_difference(was, wanted) or first_difference(_processes(layout), wanted)


def is_as_long(run: Path, now: Mapping[str, Any]) -> bool:
    """Whether a configuration trains as long as that of a run; true for one that was killed before it saved its own."""
    config = RunLayout(run).config
    if not config.is_file():
        return True
    saved = read_yaml(config)["trainer"]
    return all(str(saved.get(name)) == str(now["trainer"].get(name)) for name in _LENGTHS)


def take_resolved(config: Namespace, run: Path) -> None:
    """Takes from a run what a word such as `auto` was resolved to when it started.

    Args:
        config: Configuration of a fit or a recipe.
        run: The run folder.
    """
    file = RunLayout(run).config
    if not file.is_file():
        return
    saved = read_yaml(file)
    if config.seed_everything is True:
        config.seed_everything = saved["seed_everything"]
    data = config.data.get("init_args") or {}
    stages = zip(config.get("stages") or [], saved.get("stages") or [], strict=False)
    parts = [
        (config.trainer, saved["trainer"], ["precision"]),
        (data, saved["data"].get("init_args") or {}, [*data.keys()]),
        *((now, was, ["precision"]) for now, was in stages),
    ]
    for now, was, names in parts:
        for name in names:
            if is_word(now.get(name)):
                now[name] = was.get(name, now[name])


def _processes(layout: RunLayout) -> dict[str, int]:
    """The number of processes that trained a fit, as part of its identity; empty if its checkpoint does not say it."""
    with contextlib.suppress(OSError, ValueError):  # whoever reads the checkpoint next says what is wrong with it
        processes = read_checkpoint(layout.last).get("environment", {}).get("processes")
        return {} if processes is None else {"trainer.devices": int(processes), "trainer.num_nodes": 1}
    return {}


def _identity(config: Mapping[str, Any], devices: int | None) -> dict[str, Any]:
    model, data, trainer, stages = config["model"], config["data"], config["trainer"], config.get("stages")
    named = arguments_of(
        _arguments(model), _arguments(data), {**trainer, "devices": devices}, STAGE_FIELDS if stages else ()
    )
    seed = config.get("seed_everything")
    classes = {"model": _class(model), "data": _class(data)}
    of_recipe = {"ckpt_path": config.get("ckpt_path"), **_of_stages(stages)} if stages else {}
    return {"seed_everything": "auto" if seed is True else seed, **classes, **named, **of_recipe}


def _of_stages(stages: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Names and settings of a recipe's stages, except for the precision, which follows the machine."""
    settings = {
        f"{name} of stage {stage['name']}": list(value) if isinstance(value, tuple) else value
        for stage in stages
        for name, value in stage.items()
        if value is not None and name not in ("name", "precision")
    }
    return {"stages": [stage["name"] for stage in stages], **settings}


def _class(part: Mapping[str, Any]) -> str:
    return str(part["class_path"]).rpartition(".")[2]


def _arguments(part: Mapping[str, Any]) -> dict[str, Any]:
    return {**(part.get("init_args") or {}), **(part.get("dict_kwargs") or {})}
