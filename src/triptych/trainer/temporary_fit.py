"""A short fit on a model as it stands that leaves no trace."""

import copy
import random
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher
from torchmetrics import Metric

from triptych.trainer.messages import no_info
from triptych.trainer.settings import settings_of

_MACHINERY = {*vars(L.LightningModule()), "_hparams", "_hparams_initial", "_hparams_name", "configure_callbacks"}
"""The attributes that every LightningModule has, or a trial gives it; the others belong to the model's own class."""


def temporary_fit(
    settings: L.Trainer | Mapping[str, Any],
    model: L.LightningModule,
    datamodule: Any,
    callback: L.Callback,
    max_steps: int,
    limit_val_batches: int = 0,
) -> None:
    """Fits `model` for a few steps, then puts everything back, also where the fit fails.

    Weights, statistics, metrics, modes, plain attributes, random state and the references to a trainer are afterwards
    what they were; gradients are cleared. A network that the fit had to build stays, with its initial weights, so that
    a later fit goes as if there had been no trial. Nothing is written or printed, and the model's own callbacks are
    left out.

    Args:
        settings: A Trainer, which is not touched, or a mapping of a Trainer's arguments. Taken from it are devices,
            strategy, precision, accumulation and clipping, nothing else.
        model: Any LightningModule.
        datamodule: The data, as `Trainer.fit` takes them.
        callback: Watches the fit and may stop it.
        max_steps: Optimizer steps, over as many epochs as it takes.
        limit_val_batches: Batches of a validation.

    Raises:
        ValueError: The strategy starts processes of which nothing comes back.
    """
    taken = settings_of(settings)
    memory, trainer_before = _Memory(model), model._trainer
    data_trainer_before = getattr(datamodule, "trainer", None)
    model.configure_callbacks = _no_callbacks  # type: ignore[method-assign]
    try:
        with no_info():
            trainer = L.Trainer(
                **taken,
                max_epochs=-1,
                max_steps=max_steps,
                limit_val_batches=limit_val_batches,
                num_sanity_val_steps=0,
                callbacks=[memory, callback],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            if isinstance(trainer.strategy.launcher, _MultiProcessingLauncher):
                strategy = taken.get("strategy")
                raise ValueError(f"strategy: expected one that runs this script in each process, got {strategy!r}.")
            trainer.fit(model, datamodule)
    finally:
        del model.configure_callbacks
        memory.put_back()
        model.trainer = trainer_before
        if isinstance(datamodule, L.LightningDataModule):
            datamodule.trainer = data_trainer_before


def _no_callbacks() -> list[L.Callback]:
    return []


class _Memory(L.Callback):
    """What a model was; taken anew where the fit built its network first.

    Args:
        model: The model.
    """

    def __init__(self, model: L.LightningModule) -> None:
        self.model = model
        self.keep()

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.model.state_dict().keys() != self.state.keys():
            self.keep()

    def keep(self) -> None:
        model = self.model
        self.state, self.dtype = copy.deepcopy(model.state_dict()), model.dtype
        self.dtypes = {name: tensor.dtype for name, tensor in self._tensors()}
        self.trains = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
        self.modes = [(module, module.training) for module in model.modules()]
        self.metrics = [
            (metric, copy.deepcopy({**metric.metric_state, "_update_count": metric._update_count}), metric._computed)
            for metric in model.modules()
            if isinstance(metric, Metric)
        ]
        self.plain = {name: value for name, value in vars(model).items() if name not in _MACHINERY}
        self.random = (random.getstate(), np.random.get_state(), torch.get_rng_state())
        self.cuda_random = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def put_back(self) -> None:
        model = self.model
        if model.dtype != self.dtype:  # a precision such as 64-true has converted it
            model.to(self.dtype)
        for name, tensor in self._tensors():
            tensor.data = tensor.data.to(self.dtypes.get(name, tensor.dtype))
        model.load_state_dict(self.state, strict=False)
        model.zero_grad(set_to_none=True)
        for parameter, trains in self.trains:
            parameter.requires_grad_(trains)
        for module, mode in self.modes:
            module.training = mode
        for metric, state, computed in self.metrics:
            vars(metric).update(state, _computed=computed)
        vars(model).update(self.plain)
        python, numpy, torch_state = self.random
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(torch_state)
        torch.cuda.set_rng_state_all(self.cuda_random)

    def _tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        return chain(self.model.named_parameters(), self.model.named_buffers())
