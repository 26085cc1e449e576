"""What a new model takes from a checkpoint: hyper-parameters, and the weights whose shape fits."""

import inspect
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from triptych.models.weights import differences


def start_hparams(
    model: type,
    structure: Sequence[str],
    target_hparams: Sequence[str],
    path: Path,
    saved: Mapping[str, Any],
    typed: Mapping[str, Any],
) -> dict[str, Any]:
    """Arguments of a model that starts from a checkpoint: what is typed, else what is saved.

    Args:
        model: Class of the model.
        structure: See `TransferTask.structure`.
        target_hparams: See `TransferTask.target_hparams`.
        path: The checkpoint, for messages.
        saved: Its hyper-parameters.
        typed: Arguments that the user gave.

    Raises:
        ValueError: The checkpoint is one of another task, or of another encoder than is typed.
    """
    missing = [name for name in (*structure, *target_hparams[:1]) if name not in saved]
    if missing:
        alone = f"{model.__name__}(encoder={saved.get('encoder')!r}, encoder_weights={str(path)!r})"
        raise ValueError(
            f"{path}: expected a checkpoint of {model.__name__}, got one without {missing[0]}"
            + (f"; to take its encoder alone: {alone}." if "encoder" in saved else " among its hyper-parameters.")
        )
    fixed = {**{name: saved[name] for name in structure}, "encoder_weights": None}
    for name in fixed.keys() & typed.keys():
        if typed[name] != fixed[name]:
            raise ValueError(
                f"{name}: expected {fixed[name]!r}, as all weights come from {path}, got {typed[name]!r}; leave it out."
            )
    dropped = _about_other_target(target_hparams, saved, typed)
    kept = {name: saved[name] for name in saved.keys() & constructor_arguments(model).keys() if name not in dropped}
    return {**kept, **typed, **fixed}


def _about_other_target(
    target_hparams: Sequence[str], saved: Mapping[str, Any], typed: Mapping[str, Any]
) -> Collection[str]:
    """The saved hyper-parameters that describe other classes, points or tags than the new model's."""
    number = target_hparams[0] if target_hparams else ""
    return target_hparams if typed.get(number, saved.get(number)) != saved.get(number) else ()


def constructor_arguments(model: type) -> dict[str, inspect.Parameter]:
    """The arguments of a class by name, with those that it passes on to its base classes."""
    constructors = [vars(base)["__init__"] for base in reversed(model.__mro__) if "__init__" in vars(base)]
    return {
        name: argument
        for constructor in constructors
        for name, argument in inspect.signature(constructor).parameters.items()
    }


def take_weights(model: nn.Module, state: Mapping[str, Tensor]) -> str:
    """Loads the weights whose name and shape fit: parameters, and buffers of the network.

    Other buffers, such as chosen thresholds, are results of the fit that was saved.

    Returns:
        What does not fit, in a few words; empty if all does.
    """
    parameters = {name for name, _ in model.named_parameters()}
    own = {name: tensor for name, tensor in model.state_dict().items() if name in parameters or _of_network(name)}
    given = {name: tensor for name, tensor in state.items() if name in own or _of_network(name)}
    fitting = {name: tensor for name, tensor in given.items() if name in own and tensor.shape == own[name].shape}
    model.load_state_dict(fitting, strict=False)
    return differences(own, given)


def _of_network(name: str) -> bool:
    return name.startswith("network.")
