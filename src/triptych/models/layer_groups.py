"""Layer groups of a network, early encoder to head, and how the first of them are frozen."""

from collections.abc import Iterable

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

LayerGroups = dict[str, list[nn.Parameter]]
"""Parameters of each group by its name, from input to output."""


def split_encoder(encoder: nn.Module) -> LayerGroups:
    """Splits an encoder into its early and late half.

    The late half works at strides 16 and 32, the course's split of ResNets; if the encoder does not say which modules
    those are, it is the second half of the parameters.
    """
    parameters = list(encoder.parameters())
    try:
        late = {id(p) for modules in encoder.get_stages().values() for module in modules for p in module.parameters()}  # type: ignore[operator]
    except (AttributeError, NotImplementedError):
        late = _second_half(parameters)
    return {
        "encoder_early": [p for p in parameters if id(p) not in late],
        "encoder_late": [p for p in parameters if id(p) in late],
    }


def _second_half(parameters: list[nn.Parameter]) -> set[int]:
    half, counted, late = sum(p.numel() for p in parameters) / 2, 0, set()
    for parameter in parameters:
        if counted >= half:
            late.add(id(parameter))
        counted += parameter.numel()
    return late


def batch_norms(network: nn.Module) -> Iterable[_BatchNorm]:
    """All batch-norm layers of a network."""
    return (module for module in network.modules() if isinstance(module, _BatchNorm))


def keep_frozen_norms(network: nn.Module) -> None:
    """Sets the batch-norms with frozen parameters to evaluation mode."""
    for norm in batch_norms(network):
        if norm.affine and not norm.weight.requires_grad:
            norm.eval()


def freeze_to(network: nn.Module, groups: LayerGroups, first: int, train_bn: bool) -> None:
    """Freezes all groups before index `first` by `requires_grad` alone, and unfreezes the others.

    Args:
        network: The network of the groups.
        groups: Its layer groups.
        first: Index of the first group that trains; negative counts from the end, so -1 trains the last alone.
        train_bn: Whether batch-norm of the frozen groups keeps training, as in the course.

    Raises:
        ValueError: There is no group with that index.
    """
    if not -len(groups) <= first < len(groups):
        raise ValueError(
            f"freeze_to: expected a number from {-len(groups)} to {len(groups) - 1} ({', '.join(groups)}), got {first}."
        )
    trained_norms = {id(p) for norm in batch_norms(network) for p in norm.parameters()} if train_bn else set()
    start = first % len(groups)
    for index, parameters in enumerate(groups.values()):
        for parameter in parameters:
            parameter.requires_grad_(index >= start or id(parameter) in trained_norms)
