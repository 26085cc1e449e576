"""How weights differ from those of a model, in a few words."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

_SHOWN = 3


def differences(own: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Names the modules whose weights do not fit; empty if all fit.

    Args:
        own: State dict of the model.
        given: State dict to load.

    Examples:
        >>> import torch
        >>> own = {"body.weight": torch.zeros(2), "head.bias": torch.zeros(3), "head.weight": torch.zeros(3, 2)}
        >>> differences(own, {"head.bias": torch.zeros(4), "head.weight": torch.zeros(4, 2)})
        'missing: body (1 tensor); of another shape: head (2 tensors)'
    """
    shapes = {name: getattr(tensor, "shape", None) for name, tensor in given.items()}
    kinds = {
        "missing": (own, own.keys() - given.keys()),
        "of another shape": (own, [name for name in own.keys() & shapes.keys() if own[name].shape != shapes[name]]),
        "unknown": (given, given.keys() - own.keys()),
    }
    return "; ".join(f"{kind}: {_modules(names, among)}" for kind, (among, names) in kinds.items() if names)


def _modules(names: Collection[str], among: Mapping[str, Any]) -> str:
    """The modules of the tensors `names`; one stands for its parts if it has no tensor `among` the others."""
    wanted = Counter(ancestor for name in names for ancestor in _ancestors(name))
    total = Counter(ancestor for name in among for ancestor in _ancestors(name))
    whole = Counter(
        next(ancestor for ancestor in _ancestors(name) if wanted[ancestor] == total[ancestor])
        for name in among
        if name in names
    )
    shown = [f"{module} ({count} tensor{'s' * (count > 1)})" for module, count in whole.items()]
    return ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")


def _ancestors(name: str) -> Iterator[str]:
    """`a`, `a.b` and `a.b.c` of `a.b.c`."""
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))
