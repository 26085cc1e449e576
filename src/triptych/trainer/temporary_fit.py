"""A short fit after which the model is restored."""

import copy
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import lightning as L
import torch
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher
from torchmetrics import Metric

from triptych.trainer.messages import no_info
from triptych.trainer.random_state import RandomState
from triptych.trainer.settings import refuse_sharded, settings_of
from triptych.trainer.stop import StopOnSignal

_LIGHTNING_ATTRIBUTES = {
    *vars(L.LightningModule()),
    "_hparams",
    "_hparams_initial",
    "_hparams_name",
    "configure_callbacks",
}
"""The attributes of every LightningModule, and those that a fit sets; all others belong to the model's own class."""


def temporary_fit(
    settings: L.Trainer | Mapping[str, Any],
    model: L.LightningModule,
    datamodule: Any,
    callback: L.Callback,
    max_steps: int,
    limit_val_batches: int = 0,
) -> None:
    """Fits `model` for a few steps, then restores it, even if the fit fails.

    Restored are weights, statistics, metrics, modes, plain attributes, random state and the references to a trainer;
    gradients are cleared. A network that the fit had to build is kept, with its initial weights, so that a later fit
    gives the same result as without this one. Nothing is written or printed, and the model's own callbacks are not
    used.

    Args:
        settings: A Trainer, which is not changed, or a mapping of a Trainer's arguments. Only devices, strategy,
            precision, accumulation and clipping are taken from it.
        model: Any LightningModule.
        datamodule: The data, as `Trainer.fit` takes them.
        callback: Watches the fit and may stop it.
        max_steps: Number of optimizer steps, over as many epochs as needed.
        limit_val_batches: Number of batches per validation.

    Raises:
        ValueError: The strategy spawns processes that return no results, or splits the weights.
    """
    arguments = settings_of(settings)
    refuse_sharded(arguments.get("strategy"))
    snapshot, trainer_before = Snapshot(model), model._trainer
    data_trainer_before = getattr(datamodule, "trainer", None)
    model.configure_callbacks = _no_callbacks  # type: ignore[method-assign]
    try:
        with no_info():
            trainer = L.Trainer(
                **arguments,
                max_epochs=-1,
                max_steps=max_steps,
                limit_val_batches=limit_val_batches,
                num_sanity_val_steps=0,
                callbacks=[snapshot, callback, StopOnSignal()],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            if isinstance(trainer.strategy.launcher, _MultiProcessingLauncher):
                strategy = arguments.get("strategy")
                raise ValueError(f"strategy: expected one that runs this script in each process, got {strategy!r}.")
            trainer.fit(model, datamodule)
    finally:
        vars(model).pop("configure_callbacks", None)  # one within this one has removed it already
        snapshot.restore()
        model.trainer = trainer_before
        if isinstance(datamodule, L.LightningDataModule):
            datamodule.trainer = data_trainer_before


def _no_callbacks() -> list[L.Callback]:
    return []


def _shapes(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in state.items()}


class Snapshot(L.Callback):
    """The state of a model, to be restored; taken again if a fit, as whose callback it serves, builds layers.

    Args:
        model: The model.
    """

    def __init__(self, model: L.LightningModule) -> None:
        self.model = model
        self.take()

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if _shapes(self.model.state_dict()) != _shapes(self.state):
            self.take()

    def take(self) -> None:
        model = self.model
        self.state, self.dtype = copy.deepcopy(model.state_dict()), model.dtype
        self.dtypes = {name: tensor.dtype for name, tensor in self._tensors()}
        self.requires_grad = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
        self.modes = {name: module.training for name, module in model.named_modules()}
        self.metrics = [
            (metric, copy.deepcopy({**metric.metric_state, "_update_count": metric._update_count}), metric._computed)
            for metric in model.modules()
            if isinstance(metric, Metric)
        ]
        self.plain = {name: value for name, value in vars(model).items() if name not in _LIGHTNING_ATTRIBUTES}
        self.random = RandomState()

    def restore(self) -> None:
        model = self.model
        if model.dtype != self.dtype:  # a precision such as 64-true has converted it
            model.to(self.dtype)
        for name, tensor in self._tensors():
            tensor.data = tensor.data.to(self.dtypes.get(name, tensor.dtype))
        model.load_state_dict(self.state, strict=False)
        model.zero_grad(set_to_none=True)
        for parameter, requires_grad in self.requires_grad:
            parameter.requires_grad_(requires_grad)
        for name, module in model.named_modules():  # by name: `sync_batchnorm` replaces modules
            module.training = self.modes.get(name, module.training)
        for metric, state, computed in self.metrics:
            vars(metric).update(state, _computed=computed)
        vars(model).update(self.plain)
        self.random.restore()

    def _tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        return chain(self.model.named_parameters(), self.model.named_buffers())
