"""How a module trains: layer groups, freezing, AdamW and one-cycle."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from rich.console import RenderableType
from torch import Tensor
from torch.optim import Optimizer

from triptych.models.layer_groups import LayerGroups, keep_frozen_norms
from triptych.models.layer_groups import freeze_to as freeze_before
from triptych.optim import OneCycle, adamw, group_rates
from triptych.optim.one_cycle import Version
from triptych.runs.environment import environment
from triptych.runs.plain_values import plain
from triptych.tasks.score_report import ScoreReport
from triptych.tasks.split_scores import SplitScores
from triptych.trainer.cycle import CyclePlanner, find_cycle, scales_gradients
from triptych.trainer.stop import StopOnSignal

MaxLR = float | str | list[float | str]
"""Peak learning rate, see `triptych.optim.group_rates`; in place of each number "find" or "find/N"."""


class OneCycleTraining(L.LightningModule):
    """A LightningModule that trains its layer groups with AdamW and one-cycle; the base class of the tasks.

    A module of your own that subclasses it writes `layer_groups`, `training_step` and `validation_step`, nothing more.
    It can then be trained, searched by `find_lr`, and run in stages by `run_recipe`, with any LightningDataModule. All
    else is Lightning as usual: it may override `configure_optimizers` and any hook; a hook that is defined here should
    call `super()`.

    Args:
        max_lr: Peak learning rate of one-cycle: a number for all layer groups; [first_group, last_group], spaced
            geometrically; `"slice(last)"` and `"slice(first, last)"`, fastai's, or Python's own slice; or a list with
            the rate of each group. On the command line `find` is the rate that a range test suggests, `find/N` that
            rate divided by N.
        weight_decay: Decoupled weight decay of AdamW.
        pct_start: Fraction of the steps during which the rate rises, in (0, 1).
        one_cycle: Version of fastai whose cycle it is, `"fastai1"` for the course's; see `triptych.optim.OneCycle`.
        freeze_to: Index of the first layer group that trains: 0 trains all, -1 only the head.
        train_bn: Whether batch-norm of frozen groups keeps training, as in the course.
    """

    TUNABLE: ClassVar = frozenset({"max_lr", "weight_decay", "pct_start", "one_cycle", "freeze_to", "train_bn"})
    """The hyper-parameters that may change from one fit to the next."""
    given: set[str]
    """The hyper-parameters that a checkpoint does not overrule: at first those that differ from their defaults."""
    noise_seed = 0
    """Seed of dropout."""
    last_scores: dict[str, Tensor]
    """The scores of a task's last validation or test."""
    split_scores: SplitScores | None = None
    """They, the images that they are about and their intervals; None before, and for a module of your own."""
    _planner: CyclePlanner | None = None

    def __init__(
        self,
        max_lr: MaxLR = 1e-3,
        weight_decay: float = 0.01,
        pct_start: float = 0.25,
        one_cycle: Version = "fastai2",
        freeze_to: int = 0,
        train_bn: bool = True,
    ) -> None:
        super().__init__()
        self.hparams.update(
            **{"max_lr": plain(max_lr), "weight_decay": weight_decay, "pct_start": pct_start},
            **{"one_cycle": one_cycle, "freeze_to": freeze_to, "train_bn": train_bn},
        )
        self.given = set()
        self.last_scores = {}
        self._logged: dict[str, float] = {}

    def layer_groups(self) -> LayerGroups:
        """All parameters that train, each in one group, in the order in which `freeze_to` freezes the groups."""
        raise NotImplementedError(f"{type(self).__name__}: layer_groups: expected its parameters by group, got none.")

    def resolve(self, metadata: Mapping[str, Any]) -> None:
        """Takes hyper-parameters that are None from the `metadata` of the data; does nothing here."""

    def prepare(self, datamodule: Any) -> None:
        """Takes from the training data what a fit needs beyond the metadata; does nothing here."""

    def configure_model(self) -> None:
        """Freezes what `freeze_to` says, before a strategy looks at what trains."""
        if self.hparams["freeze_to"] != 0:
            self.freeze_groups(self.hparams["freeze_to"], self.hparams["train_bn"])

    def freeze_groups(self, first: int, train_bn: bool) -> None:
        """Freezes the groups before `first`; see `triptych.models.layer_groups.freeze_to`."""
        freeze_before(self, self.layer_groups(), first, train_bn)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Sets the mode, but batch-norm with frozen parameters stays in evaluation mode."""
        super().train(mode)
        keep_frozen_norms(self)
        return self

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
        if hyper_parameters.keys() & {"freeze_to", "train_bn"}:
            tuned = {**self.hparams, **hyper_parameters}
            self.freeze_groups(tuned["freeze_to"], tuned["train_bn"])
        self.save_hyperparameters({name: plain(value) for name, value in hyper_parameters.items()})
        self.given |= hyper_parameters.keys()

    def freeze_to(self, first: int) -> None:
        """Trains the layer groups from index `first` on, as fastai's `freeze_to`: -1 only the head, 0 all."""
        self.retune(freeze_to=first)

    def configure_callbacks(self) -> list[L.Callback]:
        """Adds `ScoreReport` and `StopOnSignal`: a script prints what the command line prints, and stops as it does."""
        attached: list[L.Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        ours = (ScoreReport, StopOnSignal)
        return [one() for one in ours if not any(isinstance(callback, one) for callback in attached)]

    def report(self, split: str) -> list[RenderableType]:
        """Tables and lines for the terminal with the last scores, of `split`."""
        return []

    def gain_report(self) -> list[RenderableType]:
        """Table and lines about what test-time augmentation gains, for the terminal."""
        return []

    def class_scores(self) -> dict[str, dict[str, float]]:
        """The last scores of the classes, tags or points with support, as {score: {class: value}}."""
        return {}

    def scalar_scores(self) -> dict[str, float]:
        """The scalar scores of the last validation, by log key without `val/`; here all that it logged."""
        return self._logged

    def on_validation_end(self) -> None:
        results = self.trainer._results
        if results is not None and not self.trainer.sanity_checking:
            values = results.metrics(on_step=False)["callback"]
            self._logged = {name.removeprefix("val/"): float(value) for name, value in values.items()}

    def load_weights(self, checkpoint: Mapping[str, Any]) -> None:
        """Loads the weights of a checkpoint of this model, and nothing of the fit that saved it."""
        self.load_state_dict(checkpoint["state_dict"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the seed of dropout, the environment, and the scores with what they are about."""
        checkpoint["noise_seed"] = self.noise_seed
        checkpoint["environment"] = environment(self.device) | self._settings()
        checkpoint["scores"] = self.scalar_scores()
        checkpoint["scored_over"] = "" if self.split_scores is None else self.split_scores.over

    def _settings(self) -> dict[str, str]:
        """The Trainer's precision and number of processes; empty without a Trainer."""
        if self._trainer is None:
            return {}
        return {"precision": str(self._trainer.precision), "processes": str(self._trainer.world_size)}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes the seed of dropout from the checkpoint, unless one was given."""
        seed = checkpoint.get("noise_seed", self.noise_seed)
        if "noise_seed" not in self.given:
            self.noise_seed = seed
        elif seed != self.noise_seed:
            rank_zero_info(f"seed_everything: {self.noise_seed} goes before the checkpoint's {seed}, for dropout.")

    def on_fit_start(self) -> None:
        if self.trainer.ckpt_path is None:
            self.noise_seed = torch.initial_seed()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
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
        optimizer: Optimizer = adamw(self._grouped(), h["max_lr"], h["weight_decay"], fused)
        # planned when training starts
        schedule = OneCycle(optimizer, pct_start=h["pct_start"], version=h["one_cycle"])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _grouped(self) -> LayerGroups:
        """The layer groups; warns if a parameter that should train is in none."""
        groups = self.layer_groups()
        grouped = {id(parameter) for group in groups.values() for parameter in group}
        trains = [name for name, parameter in self.named_parameters() if parameter.requires_grad]
        if left_out := [name for name in trains if id(self.get_parameter(name)) not in grouped]:
            rank_zero_warn(f"layer_groups: {left_out[0]} is in no layer group, so it is not trained.")
        return groups

    def on_train_start(self) -> None:
        """Plans one-cycle from the loaded data; hyper-parameters go before what a checkpoint has restored."""
        cycle = find_cycle(self.trainer)
        self._planner = None if cycle is None else CyclePlanner(self.trainer, cycle)
        groups = [] if cycle is None else cycle.optimizer.param_groups
        names = [*self.layer_groups()]
        if cycle is not None and [group.get("name") for group in groups] == names:  # its own
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

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self._planner is not None and scales_gradients(self.trainer):
            self.log("train/skipped_steps", float(self._planner.cycle.skipped))
