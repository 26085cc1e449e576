"""The settings of a Trainer that another Trainer needs to run the same steps on the same devices."""

import copy
from collections.abc import Mapping
from typing import Any

import lightning as L
from lightning.pytorch.plugins import CheckpointIO, Precision
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy, Strategy

STEP_ARGUMENTS = (
    *("accelerator", "devices", "num_nodes", "strategy", "plugins", "precision", "sync_batchnorm"),
    *("use_distributed_sampler", "accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm"),
)
"""The arguments of a Trainer that define a training step and where it runs."""

_SHARDED = (DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy)
_SHARDED_NAMES = ("deepspeed", "fsdp")
"""Parts of the names that Lightning knows such strategies by."""


def refuse_sharded(strategy: Strategy | str | None) -> None:
    """Refuses a strategy whose processes each hold a part of the weights.

    Args:
        strategy: A Trainer's argument.

    Raises:
        ValueError: `strategy` is FSDP, DeepSpeed or model-parallel, as an object or by name.
    """
    name = strategy if isinstance(strategy, str) else type(strategy).__name__
    if isinstance(strategy, _SHARDED) or any(part in name for part in _SHARDED_NAMES):
        raise ValueError(
            f"strategy: expected ddp or a single device, got {name!r}: the range test, `batch_size: auto` and recipes "
            "save and restore whole weights, and this one splits them; use it in a plain fit."
        )


def settings_of(trainer_or_settings: L.Trainer | Mapping[str, Any]) -> dict[str, Any]:
    """Devices, strategy, plugins, precision, accumulation and clipping, as arguments of a new Trainer.

    Args:
        trainer_or_settings: A Trainer, used or not, or a mapping of a Trainer's arguments; other arguments are ignored.
    """
    return (
        _read_back(trainer_or_settings) if isinstance(trainer_or_settings, L.Trainer) else _chosen(trainer_or_settings)
    )


def _chosen(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """These arguments out of a mapping; objects are copied, because a Trainer keeps them, except a CheckpointIO."""
    chosen = {name: arguments[name] for name in STEP_ARGUMENTS if name in arguments}
    plugins = chosen.get("plugins") or []
    plugins = plugins if isinstance(plugins, (list, tuple)) else [plugins]
    return copy.deepcopy(chosen, {id(plugin): plugin for plugin in plugins if isinstance(plugin, CheckpointIO)})


def _read_back(trainer: L.Trainer) -> dict[str, Any]:
    """The same arguments of an existing Trainer, used or not."""
    connector = trainer._accelerator_connector
    own_precision = connector._precision_plugin_flag
    plugins = [
        *(copy.deepcopy(own_precision), connector._cluster_environment_flag, connector._layer_sync),
        connector.checkpoint_io,
    ]
    strategy = connector._strategy_flag
    return {
        "accelerator": connector._accelerator_flag,
        "devices": trainer.device_ids if trainer.strategy.root_device.type == "cuda" else trainer.num_devices,
        "num_nodes": trainer.num_nodes,
        "strategy": _unused(strategy) if isinstance(strategy, Strategy) else strategy,
        "plugins": [plugin for plugin in plugins if plugin is not None],
        "precision": None if isinstance(own_precision, Precision) else connector._precision_flag,
        "use_distributed_sampler": connector.use_distributed_sampler,
        "accumulate_grad_batches": trainer.accumulate_grad_batches,
        "gradient_clip_val": trainer.gradient_clip_val,
        "gradient_clip_algorithm": trainer.gradient_clip_algorithm,
    }


def _unused(strategy: Strategy) -> Strategy:
    """A copy of a strategy without what a Trainer set in it."""
    copied = copy.copy(strategy)
    unset = ("accelerator", "precision_plugin", "checkpoint_io", "lightning_module", "model", "launcher")
    vars(copied).update({f"_{name}": None for name in unset})
    vars(copied).update(_optimizers=[], _lightning_optimizers=[], lr_scheduler_configs=[])
    for name in ("cluster_environment", "parallel_devices"):
        if hasattr(copied, name):
            setattr(copied, name, None)
    return copied
