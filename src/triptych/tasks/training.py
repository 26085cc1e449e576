"""How a task trains: layer groups, freezing, AdamW and one-cycle."""

from typing import Any, ClassVar

import lightning as L
import numpy as np
import torch
from torch.optim import Optimizer

from triptych.datasets.sample import Batch
from triptych.models.grouped_network import GroupedNetwork
from triptych.models.layer_groups import LayerGroups
from triptych.optim import OneCycle, adamw, group_rates
from triptych.runs.plain_values import plain
from triptych.trainer.cycle import CyclePlanner, find_cycle, scales_gradients


class OneCycleTraining(L.LightningModule):
    """A LightningModule that trains the layer groups of its network with AdamW and one-cycle."""

    TUNABLE: ClassVar = frozenset({"max_lr", "weight_decay", "pct_start", "one_cycle", "freeze_to", "train_bn"})
    """The hyper-parameters that may change from one fit to the next."""
    network: GroupedNetwork | None
    """The network; None until it is built."""
    given: set[str]
    """The hyper-parameters that a checkpoint does not overrule: at first those that differ from their defaults."""
    noise_seed = 0
    """Seed of dropout."""
    _planner: CyclePlanner | None = None

    def retune(self, **hyper_parameters: Any) -> None:
        """Changes hyper-parameters for the next fit; the weights stay as they are.

        Args:
            hyper_parameters: Any of `max_lr`, `weight_decay`, `pct_start`, `one_cycle`, `freeze_to` and `train_bn`.

        Raises:
            ValueError: A hyper-parameter cannot be changed, or the layer group does not exist.
        """
        unknown = sorted(hyper_parameters.keys() - self.TUNABLE)
        if unknown:
            raise ValueError(f"retune: expected any of {', '.join(sorted(self.TUNABLE))}, got {unknown[0]}.")
        if self.network is not None and hyper_parameters.keys() & {"freeze_to", "train_bn"}:
            tuned = {**self.hparams, **hyper_parameters}
            self.network.freeze_to(tuned["freeze_to"], tuned["train_bn"])
        self.save_hyperparameters({name: plain(value) for name, value in hyper_parameters.items()})
        self.given |= hyper_parameters.keys()

    def freeze_to(self, first: int) -> None:
        """Trains the layer groups from index `first` on, as fastai's `freeze_to`: -1 only the head, 0 all."""
        self.retune(freeze_to=first)

    def on_fit_start(self) -> None:
        if self.trainer.ckpt_path is None:
            self.noise_seed = torch.initial_seed()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seeds torch, so that dropout depends only on (seed, epoch, batch, process).

        Dropout knows only torch's global generator, which a fit therefore leaves in another state.
        """
        key = (self.noise_seed, self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))

    def configure_optimizers(self) -> Any:
        """AdamW over all layer groups, and one-cycle, which steps after each optimizer step."""
        if self.dtype == torch.float16:
            raise ValueError(
                "precision: expected 16-mixed, bf16-mixed or bf16-true, got 16-true, in which AdamW divides by zero."
            )
        clips = bool(self.trainer.gradient_clip_val)  # Lightning refuses to clip with a fused optimizer
        fused = self.device.type in ("cpu", "cuda") and not clips and not scales_gradients(self.trainer)
        h = self.hparams
        optimizer: Optimizer = adamw(self._groups(), h["max_lr"], h["weight_decay"], fused)
        # planned when training starts
        schedule = OneCycle(optimizer, pct_start=h["pct_start"], version=h["one_cycle"])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _groups(self) -> LayerGroups:
        assert self.network is not None
        return self.network.layer_groups()

    def on_train_start(self) -> None:
        """Plans one-cycle from the loaded data; hyper-parameters go before what a checkpoint has restored."""
        cycle = find_cycle(self.trainer)
        self._planner = None if cycle is None else CyclePlanner(self.trainer, cycle)
        groups = [] if cycle is None else cycle.optimizer.param_groups
        names = [*self._groups()]
        if cycle is not None and [group.get("name") for group in groups] == names:  # the task's own
            cycle.set_peaks(group_rates(self.hparams["max_lr"], names))
            for group in groups:
                group["weight_decay"] = self.hparams["weight_decay"]

    def on_train_epoch_end(self) -> None:
        if self._planner is not None:
            self._planner.end_epoch()

    def on_train_end(self) -> None:
        if self._planner is not None:
            self._planner.end()
            self._planner = None

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Steps one-cycle, unless the gradient scaler found an overflow and skipped the optimizer's step."""
        if self._planner is None or scheduler is not self._planner.cycle:
            super().lr_scheduler_step(scheduler, metric)
        else:
            self._planner.step()

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        if self._planner is not None and scales_gradients(self.trainer):
            self.log("train/skipped_steps", float(self._planner.cycle.skipped))
