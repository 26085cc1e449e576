"""The identity of a run: what must be the same when it goes on, so that it ends as if it had not been interrupted."""

import json
from collections.abc import Collection, Mapping
from typing import Any

_OF_TRAINER = (
    *("accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm", "precision", "sync_batchnorm"),
    *("limit_train_batches", "limit_val_batches", "overfit_batches", "devices", "num_nodes"),
)
"""The arguments of a Trainer that change the result."""
_MAY_CHANGE = frozenset({"cache", "num_workers", "download", "predict_path", "tile"})
"""The arguments of a data module that do not change the result."""
_PROCESSES = ("trainer.devices", "trainer.num_nodes")
_OF_DATA = frozenset(
    {"num_classes", "num_labels", "num_points", "class_names", "tags", "point_names", "flip_pairs", "ignore_index"}
)
"""The arguments of a model that are taken from the data if they are None."""


def arguments_of(
    model: Mapping[str, Any],
    data: Mapping[str, Any],
    trainer: Mapping[str, Any],
    may_change: Collection[str] = (),
) -> dict[str, Any]:
    """The arguments of a run that belong to its identity, as plain values by names such as `model.encoder`.

    Args:
        model: Arguments of the model.
        data: Arguments of the data module.
        trainer: Arguments of the Trainer, with the number of its devices as `devices`.
        may_change: Names of further arguments that may change.
    """
    kept = {name: trainer[name] for name in _OF_TRAINER if name in trainer}
    named = {
        f"{part}.{name}": value
        for part, values in (("model", model), ("data", data), ("trainer", kept))
        for name, value in values.items()
        if name not in _MAY_CHANGE and name not in may_change and not name.startswith("_")
    }
    identity: dict[str, Any] = json.loads(json.dumps(named, default=_name_of))
    return identity


def _name_of(value: object) -> str:
    """The name of an object or its class: what `str` gives may be its address, another one in each process."""
    return str(getattr(value, "__qualname__", type(value).__qualname__))


def first_difference(was: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The first difference between two identities in words, such as `seed was 0, now 5`; None if they are equal.

    What only one of them has, such as an argument of a newer release, is no difference; nor is a word that is resolved
    when a run starts, such as `find`, in place of what it was resolved to, nor None for what the data say: release
    0.1.0 had a number of points there.
    """
    was, now = _with_processes(was), _with_processes(now)
    for name, value in now.items():
        before = was.get(name, value)
        is_open = is_word(value) or (value is None and name.removeprefix("model.") in _OF_DATA)
        if before != value and not is_open:
            return f"{name} was {before}, now {value}"
    return None


def is_word(value: Any) -> bool:
    """Whether a value stands for one that is resolved when a run starts: `auto`, `balanced`, `find` or `find/N`."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(one, str) and (one in ("auto", "balanced") or one.startswith("find")) for one in parts)


def _with_processes(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The identity with the number of processes in place of devices and nodes; release 0.1.0 kept a list of devices."""
    rest = {name: value for name, value in identity.items() if name not in _PROCESSES}
    devices, nodes = (identity.get(name) for name in _PROCESSES)
    if isinstance(devices, list):
        devices = len(devices)
    if isinstance(devices, int) and isinstance(nodes, int):
        rest["number of processes"] = devices * nodes
    return rest
