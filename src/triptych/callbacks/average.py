"""An exponential average of the weights, which is what is validated and saved."""

import math
from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from triptych.callbacks.figure_callback import _SHARDED
from triptych.trainer.cycle import find_cycle, steps_left


class Average(L.Callback):
    """Averages weights and batch-norm statistics over the last steps of a fit; the average is the model that comes out.

    After each optimizer step k the average becomes the mean of the weights after steps 1 to k, where step i counts
    exp(-(k - i) / h) and h is `horizon` times the number of steps of the fit. The initial weights have no part in it.
    All floating-point parameters and buffers are averaged, of frozen groups too; integer buffers are the last ones.

    The model trains with its own weights. In validations, in each checkpoint's `state_dict`, in what
    `model.state_dict()` gives, and after the fit it has the average. The weights to go on from are in the callback's
    state of a checkpoint, so a resumed fit ends as an uninterrupted one. If it is resumed for more steps, h grows with
    the fit. If `max_time` limits it, h follows the plan of one-cycle. In a recipe each stage has an average of its own,
    which the next stage starts from.

    Args:
        horizon: Fraction of the fit's optimizer steps, in (0, 1].

    Raises:
        ValueError: `horizon` is out of its range; or, when a fit starts, its number of steps is unknown, or its
            strategy splits the weights among the processes.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    # Lightning's WeightAveraging is no base: it leaves raw weights in checkpoints of weights alone and in the figures
    # of other callbacks, averages integers, copies the whole LightningModule, and knows no number of steps.

    def __init__(self, horizon: float = 0.05) -> None:
        if not 0 < horizon <= 1:
            raise ValueError(f"horizon: expected a fraction of the fit's steps, above 0 and up to 1, got {horizon}.")
        self.horizon = horizon
        self._forget()

    def _forget(self) -> None:
        self._average: dict[str, Tensor] = {}
        self._raw: dict[str, Tensor] = {}  # the model's own weights, while it has the average
        self._weight, self._step = 0.0, 0  # the sum of what the steps in the average count; the last of them
        self._resumed: Mapping[str, Any] = {}
        self._module: L.LightningModule | None = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if stage != "fit":
            return
        self._forget()
        if isinstance(trainer.strategy, _SHARDED):
            name = type(trainer.strategy).__name__
            raise ValueError(f"Average: expected a strategy with all weights in each process, got {name}; use ddp.")

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Starts an average; or goes on from a checkpoint, whose average the model has been given."""
        self._steps = trainer.global_step + steps_left(trainer)
        if find_cycle(trainer) is None and math.isinf(self._steps):
            raise ValueError("horizon: expected a fit with a known number of steps; set max_epochs or max_steps.")
        # a partial, because torch marks a hook by an attribute
        self._hook = pl_module.register_state_dict_post_hook(  # type: ignore[no-untyped-call]
            partial(self._put_average)
        )
        self._module, self._step = pl_module, trainer.global_step
        tensors = _tensors(pl_module)
        self._average = {name: _wide(tensor).detach().clone() for name, tensor in tensors.items()}
        if self._resumed:
            self._weight = self._resumed["weight"]
            _copy(self._resumed["average"], self._average)
            _copy(self._resumed["raw"], tensors)
            self._resumed = {}

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self._raw:
            _copy(self._raw, _tensors(pl_module))
            self._raw = {}

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Adds the weights to the average if the optimizer has stepped."""
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        cycle = find_cycle(trainer)
        steps = self._steps if cycle is None else cycle.total_steps
        self._weight = 1 + self._weight * math.exp(-1 / (self.horizon * steps))
        update = get_ema_multi_avg_fn(1 - 1 / self._weight)  # type: ignore[no-untyped-call]
        update(list(self._average.values()), [_wide(one.detach()) for one in _tensors(pl_module).values()], 0)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._show_average()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._show_average()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._end()

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._end()

    def _end(self) -> None:
        if self._module is not None:
            self._show_average()
            self._hook.remove()
            self._module = None

    def _show_average(self) -> None:
        """Gives the model the average until the next batch is trained: other callbacks draw it and save it too."""
        if self._module is not None and self._weight and not self._raw:
            tensors = _tensors(self._module)
            self._raw = {name: tensor.detach().clone() for name, tensor in tensors.items()}
            _copy(self._average, tensors)

    def _put_average(self, module: torch.nn.Module, state_dict: dict[str, Any], prefix: str, _: Any) -> None:
        """A hook of `state_dict`, since Lightning asks no callback when it saves weights alone."""
        for name, average in self._average.items() if self._weight else ():
            if (key := prefix + name) in state_dict:
                state_dict[key] = average.to(state_dict[key].dtype)

    def state_dict(self) -> dict[str, Any]:
        if not self._weight:
            return {}
        raw = self._raw or {name: tensor.detach() for name, tensor in _tensors(self._module).items()}
        wide = {name: average for name, average in self._average.items() if average.dtype != raw[name].dtype}
        return {"weight": self._weight, "raw": raw, "average": wide}  # the others are those of the model

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed = state_dict


def _tensors(module: Any) -> dict[str, Tensor]:
    """The floating-point parameters and buffers of a module by name."""
    named = chain(module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False))
    return {name: tensor for name, tensor in named if tensor.is_floating_point()}


def _wide(tensor: Tensor) -> Tensor:
    """In at least float32: a small step of the average is lost in the rounding of bfloat16."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


@torch.no_grad()
def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    for name, tensor in source.items():
        target[name].copy_(tensor)
