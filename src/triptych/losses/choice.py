"""The losses that a task's argument `loss` may name, and what it says: one, a weighted sum, or a function."""

import inspect
import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from triptych.losses.multilabel import asymmetric, binary_cross_entropy, binary_focal
from triptych.losses.overlap import dice, lovasz, tversky
from triptych.losses.points import absolute_error, squared_error, wing
from triptych.losses.segmentation import cross_entropy, focal
from triptych.losses.terms import LossTerms

LossFunction = Callable[..., LossTerms]
"""A loss of predictions and target; what only this loss takes is keyword-only."""

MASK_LOSSES: dict[str, LossFunction] = {
    "cross_entropy": cross_entropy,
    "focal": focal,
    "dice": dice,
    "lovasz": lovasz,
    "tversky": tversky,
}
"""The losses of `UNetSegmenter` by name."""
POINT_LOSSES: dict[str, LossFunction] = {"mse": squared_error, "l1": absolute_error, "wing": wing}
"""The losses of `PointRegressor` by name."""
TAG_LOSSES: dict[str, LossFunction] = {
    "binary_cross_entropy": binary_cross_entropy,
    "focal": binary_focal,
    "asymmetric": asymmetric,
}
"""The losses of `MultiLabelClassifier` by name."""

CATEGORY_LOSSES: dict[str, LossFunction] = {"cross_entropy": cross_entropy, "focal": focal}
"""The losses of `TextClassifier` by name."""
TOKEN_LOSSES: dict[str, LossFunction] = {"cross_entropy": cross_entropy}
"""The losses of `LanguageModel` by name."""

LossChoice = str | dict[str, Any] | list[str | dict[str, Any]] | Callable[..., Any] | None
"""A loss by name, such as `dice`; with arguments, such as `{name: focal, gamma: 3}`; a list of these, for their sum, in
which `weight` is the factor of each; or a function (preds, target) -> LossTerms, or the mean of the batch, a scalar."""

_RANGES: dict[str | tuple[str, str], tuple[float, float]] = {
    "label_smoothing": (0.0, 1.0),
    "clip": (0.0, 1.0),
    "epsilon": (1e-6, math.inf),
    ("focal", "alpha"): (0.0, 1.0),
}
"""Least value and limit of an argument, or of the argument of one loss; of all others 0 and infinity."""


class _Part(NamedTuple):
    """A named loss, its factor in the sum, and its arguments."""

    name: str
    weight: float
    arguments: dict[str, float]

    @property
    def plain(self) -> str | dict[str, Any]:
        factor = {} if self.weight == 1 else {"weight": self.weight}
        return {"name": self.name, **self.arguments, **factor} if self.arguments or factor else self.name


class ChosenLoss:
    """The loss of a task: named losses, or a function.

    Args:
        choice: See `LossChoice`. None is what a checkpoint holds for a function.
        losses: The losses that may be named.

    Raises:
        ValueError: A loss or an argument is unknown, or a value is out of range.
    """

    def __init__(self, choice: LossChoice, losses: Mapping[str, LossFunction]) -> None:
        self.losses = losses
        self.function = choice if callable(choice) else None
        self._is_list = isinstance(choice, (list, tuple))
        listed: Any = choice if self._is_list else [] if choice is None or self.function else [choice]
        self.parts = [self._part(one) for one in listed]
        if not self.parts and self._is_list:
            raise ValueError(f"loss: expected one of {', '.join(losses)}, or several, got none.")

    @property
    def plain(self) -> str | dict[str, Any] | list[str | dict[str, Any]] | None:
        """The choice as plain values, which YAML and a checkpoint can hold; None for a function."""
        values = [part.plain for part in self.parts]
        return values if self._is_list else values[0] if values else None

    @property
    def num_terms(self) -> int:
        """Length of the terms; see `LossTerms`."""
        return max(1, len(self.parts))

    def __call__(self, preds: Tensor, target: Tensor, **of_task: Any) -> LossTerms | Tensor:
        """The loss of a batch.

        Args:
            preds: What the network gives; a function gets it in float32.
            target: What is to be predicted.
            of_task: Arguments of the task for its named losses, such as `ignore_index`.

        Raises:
            ValueError: The model is one of a checkpoint that was trained with a function.
        """
        # once for all losses: each softmax and sum over the channels-last logits of a U-Net would copy them again
        preds = preds.float().contiguous()
        if self.function is not None:
            if isinstance(self.function, nn.Module):  # its weights are no part of the task, which may have moved
                self.function.to(preds.device)
            loss: LossTerms | Tensor = self.function(preds, target)
            return loss
        if not self.parts:
            raise ValueError(
                f"loss: expected {', '.join(self.losses)}, or a function, got None, which stands for a function that "
                "no checkpoint holds; pass the function again, or a name."
            )
        terms = [self.losses[name](preds, target, **of_task, **arguments) for name, _, arguments in self.parts]
        sums = [part.weight * one.sum for part, one in zip(self.parts, terms, strict=True)]
        return LossTerms(torch.stack(sums).squeeze(0), torch.stack([one.weight for one in terms]).squeeze(0))

    def refuse_weights(self, name: str, weights: Any) -> None:
        """Raises a ValueError if there are weights of classes or tags beside a function, which does not get them."""
        if self.function is not None and weights is not None:
            raise ValueError(
                f"{name}: expected null beside a function as loss, which does not get it, got {weights!r}; "
                "let the function weight them."
            )

    def _part(self, one: object) -> _Part:
        given = {"name": one} if isinstance(one, str) else dict(one) if isinstance(one, Mapping) else {}
        name, known = given.pop("name", None), ", ".join(self.losses)
        if not isinstance(name, str) or name not in self.losses:
            raise ValueError(f"loss: expected one of {known}, got {one!r}.")
        takes = ["weight", *_own_arguments(self.losses[name])]
        for argument in given:
            if argument not in takes:
                raise ValueError(f"loss: expected {' or '.join(takes)} as argument of {name}, got {argument}.")
        values = {argument: _checked(name, argument, value) for argument, value in given.items() if value is not None}
        return _Part(name, values.pop("weight", 1.0), values)


def _own_arguments(function: LossFunction) -> list[str]:
    """The arguments that are no task's; a loss takes them by name only."""
    arguments = inspect.signature(function).parameters.values()
    return [argument.name for argument in arguments if argument.kind is argument.KEYWORD_ONLY]


def _checked(name: str, argument: str, value: object) -> float:
    least, limit = _RANGES.get((name, argument), _RANGES.get(argument, (0.0, math.inf)))
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) < limit:
        raise ValueError(f"loss: {argument} of {name}: expected a number in [{least:g}, {limit:g}), got {value!r}.")
    return float(value)  # a checkpoint cannot hold NumPy's numbers
