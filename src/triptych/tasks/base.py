"""Base class of the tasks: metadata from the data module, layer groups, freezing and one-cycle."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info
from rich.console import RenderableType
from torch import Tensor
from torch.optim import Optimizer
from torchmetrics import Metric

from triptych.datasets.sample import Batch, Target, wrong_target
from triptych.losses import LossTerms, SplitLoss
from triptych.models.evaluation_mode import evaluation_mode
from triptych.models.layer_groups import LayerGroups
from triptych.models.network import TransferNetwork
from triptych.models.weights import differences
from triptych.optim import OneCycle, adamw, group_rates
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.environment import environment
from triptych.runs.layout import checkpoint_of
from triptych.tasks.inputs import as_list, check_batch, check_images, read_image
from triptych.tasks.score_report import ScoreReport
from triptych.tasks.start import constructor_arguments, start_hparams, take_weights
from triptych.trainer.cpu import keep_freed_memory
from triptych.trainer.cycle import CyclePlanner, find_cycle

MaxLR = float | str | list[float | str]
"""Peak learning rate, or the peaks of the first and the last layer group; a string asks for a range test."""
_Task = TypeVar("_Task", bound="TransferTask")


class TransferTask(L.LightningModule):
    """Trains a network that starts from a pretrained encoder.

    A subclass declares its own arguments in its constructor and passes the others on as `**transfer`. An argument that
    is a key of the data module's `metadata` may be None; its value is then taken from there before the network is
    built, and saved in the checkpoint.

    Args:
        encoder: Name of the encoder in segmentation_models_pytorch.
        encoder_weights: `"imagenet"`, the path of a state dict, or of a checkpoint of any task, whose encoder is then
            taken, or None for random weights.
        in_channels: Number of image channels.
        max_lr: Peak learning rate of one-cycle: a number, or [first_group, last_group], spaced geometrically. On the
            command line `find` is the rate that a range test suggests, `find/N` that rate divided by N.
        weight_decay: Decoupled weight decay of AdamW.
        pct_start: Fraction of the steps during which the rate rises, in (0, 1).
        freeze_to: Index of the first layer group that trains: 0 trains all, -1 only the head.
        train_bn: Whether batch-norm of frozen groups keeps training, as in the course.
    """

    TUNABLE: ClassVar = frozenset({"max_lr", "weight_decay", "pct_start", "freeze_to", "train_bn"})
    """The hyper-parameters that may change from one fit to the next."""
    required_hparam: str | None = None
    """The hyper-parameter that is needed to build the network."""
    target_hparams: ClassVar[tuple[str, ...]] = ()
    """The hyper-parameters that describe the classes, points or tags; the first is their number."""
    head_weight: ClassVar[str]
    """The weight whose length is the number of the network's outputs."""
    target: ClassVar[Target]
    """The key of a sample's target."""
    given: set[str]
    """The hyper-parameters that a checkpoint does not overrule: at first those that differ from their defaults."""
    scores: Metric
    """The metric that `update_scores` updates; created in `setup`, when the metadata is known."""

    def __init__(
        self,
        encoder: str = "resnet34",
        encoder_weights: str | None = "imagenet",
        in_channels: int = 3,
        max_lr: MaxLR = 1e-3,
        weight_decay: float = 0.01,
        pct_start: float = 0.25,
        freeze_to: int = 0,
        train_bn: bool = True,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()  # those of the subclass too
        defaults = {name: argument.default for name, argument in constructor_arguments(type(self)).items()}
        self.given = {name for name, value in self.hparams.items() if value != defaults.get(name)}
        self.network: TransferNetwork | None = None
        self.split_loss = SplitLoss()
        self.last_scores: dict[str, Tensor] = {}
        self.noise_seed = 0
        self._planner: CyclePlanner | None = None
        if self._can_build():
            self.configure_model()

    def build_network(self) -> TransferNetwork:
        """Builds the task's network from resolved hyper-parameters."""
        raise NotImplementedError

    @classmethod
    def from_checkpoint(cls: type[_Task], path: str | Path, **hyper_parameters: Any) -> _Task:
        """A model that starts from the weights of a checkpoint, also for another number of classes, points or tags.

        It has the checkpoint's hyper-parameters, except those given. If the number of classes, points or tags differs,
        their names, weights and `ignore_index` are not taken either. Weights whose shape differs, such as those of the
        last layer, are new; one line says which.

        Args:
            path: A checkpoint, or a run folder; see `RunLayout.find_checkpoint`.
            hyper_parameters: Arguments of the class; `encoder` and `in_channels` must be those of the checkpoint.

        Raises:
            FileNotFoundError: `path` does not exist, or the folder has no checkpoint.
            ValueError: The checkpoint is incomplete, or one of another task or encoder.
        """
        path = checkpoint_of(path)
        checkpoint = read_checkpoint(path)
        saved = checkpoint.get("hyper_parameters", {})
        model = cls(**start_hparams(cls, cls.target_hparams, path, saved, hyper_parameters))
        if model.network is None:
            raise ValueError(model._missing_hparam())
        different = take_weights(model, checkpoint["state_dict"])
        if different:
            rank_zero_info(f"{cls.__name__}: starts from {path}, except for weights {different}.")
        return model

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Loads a state dict; if it does not fit, the error names the modules in one line.

        A network that was built in another process, as by `ddp_spawn`, is built first.
        """
        if self.network is None and self.head_weight in state_dict:
            self.save_hyperparameters({self.target_hparams[0]: len(state_dict[self.head_weight])})
            self.configure_model()
        try:
            return super().load_state_dict(state_dict, *args, **options)
        except RuntimeError:
            different, name = differences(self.state_dict(), state_dict), type(self).__name__
            if not different:
                raise
            raise RuntimeError(
                f"Error(s) in loading state_dict for {name}: weights {different}; load it with the hyper-parameters "
                f"that it was saved with, or take what fits with {name}.from_checkpoint."
            ) from None

    def forward(self, images: Tensor) -> Tensor:
        """Logits of uint8 images (N, C, H, W).

        Raises:
            RuntimeError: The network is not built yet.
            ValueError: The images have another form, or are scaled or normalised already.
        """
        if self.network is None:
            raise RuntimeError(f"{type(self).__name__}: the network is not built yet; {self._missing_hparam()}")
        logits: Tensor = self.network(check_images(images, self.hparams["in_channels"]))
        return logits

    def _can_build(self) -> bool:
        return self.required_hparam is None or self.hparams[self.required_hparam] is not None

    def _missing_hparam(self) -> str:
        return f"{self.required_hparam}: expected a number, or a data module to take it from; got neither."

    def setup(self, stage: str) -> None:
        """Fills in hyper-parameters that are None from the data module.

        Raises:
            ValueError: A hyper-parameter differs from the data, or the data have another target.
        """
        of_data = getattr(self._datamodule, "target", self.target)
        if of_data != self.target:
            raise ValueError(wrong_target(type(self), self.target, type(self._datamodule), of_data))
        self._resolve_from_data()
        if not self._can_build():
            raise ValueError(self._missing_hparam())
        if stage == "fit":
            self.prepare(self._datamodule)
        self.scores = self.build_scores()
        warnings.filterwarnings("ignore", _HOOK_OF_MODULE)
        if self.trainer.strategy.root_device.type == "cpu":
            keep_freed_memory()

    @property
    def _datamodule(self) -> Any:
        return getattr(self._trainer, "datamodule", None)

    def _resolve_from_data(self) -> None:
        self.resolve(getattr(self._datamodule, "metadata", {}))

    def build_scores(self) -> Metric:
        """Builds the metric that `update_scores` updates, from resolved hyper-parameters."""
        raise NotImplementedError

    def resolve(self, metadata: Mapping[str, Any]) -> None:
        """Checks `metadata` against the hyper-parameters, and fills in those that are None."""
        known = {name: value for name, value in metadata.items() if name in self.hparams}
        for name, value in known.items():
            if self.hparams[name] not in (None, value):
                raise ValueError(
                    f"{name}: the model or its checkpoint has {self.hparams[name]!r}, the data {value!r}; {_AGREE}"
                )
        missing = {name: value for name, value in known.items() if self.hparams[name] is None}
        if missing:
            self.save_hyperparameters(missing)

    def prepare(self, datamodule: Any) -> None:
        """Takes from the training data what a fit needs beyond the metadata; does nothing here."""

    def configure_model(self) -> None:
        """Builds the network; Lightning calls it before it loads a checkpoint, and some callbacks before `setup`."""
        if self.network is None:
            self._resolve_from_data()
            if not self._can_build():
                raise ValueError(self._missing_hparam())
            self.network = self.build_network()
            self.network.freeze_to(self.hparams["freeze_to"], self.hparams["train_bn"])

    def retune(self, **hyper_parameters: Any) -> None:
        """Changes hyper-parameters for the next fit; the weights stay as they are.

        Args:
            hyper_parameters: Any of `max_lr`, `weight_decay`, `pct_start`, `freeze_to` and `train_bn`.

        Raises:
            ValueError: A hyper-parameter cannot be changed, or the layer group does not exist.
        """
        unknown = sorted(hyper_parameters.keys() - self.TUNABLE)
        if unknown:
            raise ValueError(f"retune: expected any of {', '.join(sorted(self.TUNABLE))}, got {unknown[0]}.")
        if self.network is not None and hyper_parameters.keys() & {"freeze_to", "train_bn"}:
            tuned = {**self.hparams, **hyper_parameters}
            self.network.freeze_to(tuned["freeze_to"], tuned["train_bn"])
        self.save_hyperparameters(hyper_parameters)
        self.given |= hyper_parameters.keys()

    def freeze_to(self, first: int) -> None:
        """Trains the layer groups from index `first` on, as fastai's `freeze_to`: -1 only the head, 0 all."""
        self.retune(freeze_to=first)

    def report(self, split: str) -> list[RenderableType]:
        """Tables and lines for the terminal with the last scores, of `split`."""
        return []

    def class_scores(self) -> dict[str, dict[str, float]]:
        """The last scores of the classes or tags with support, as {score: {class: value}}."""
        return {}

    def configure_callbacks(self) -> list[L.Callback]:
        """Adds `ScoreReport`, so that a script prints the same report as the command line."""
        attached: list[L.Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        return [] if any(isinstance(callback, ScoreReport) for callback in attached) else [ScoreReport()]

    def loss(self, preds: Tensor, target: Tensor) -> LossTerms | Tensor:
        """The loss of a batch, as sum and weight, or as the mean over its samples.

        Override it to train with another loss.

        Args:
            preds: Output of `forward`.
            target: The batch's value of the key `self.target`.
        """
        raise NotImplementedError

    def mean_loss(self, preds: Tensor, target: Tensor) -> Tensor:
        """Mean loss of a batch, a scalar; see `loss`."""
        return self._terms(preds, target).mean()

    def _terms(self, preds: Tensor, target: Tensor) -> LossTerms:
        loss = self.loss(preds, target)
        if isinstance(loss, LossTerms):
            return loss
        count = torch.tensor(len(target), device=loss.device)
        return LossTerms(loss * count, count)

    def update_scores(self, preds: Tensor, batch: Batch) -> None:
        """Updates `scores` with a batch."""
        raise NotImplementedError

    def describe_mistake(self, preds: Tensor, target: Tensor, size: Tensor) -> str:
        """What is wrong with the prediction of one sample, in one line.

        Shape: preds and target of one sample, without N; size (2,), height and width of its file in pixels.
        """
        raise NotImplementedError

    def predict(self, images: Any) -> Any:
        """What `triptych predict` writes for an image: a mask, points, or tags with their probabilities.

        Args:
            images: The path of a file, a PIL image, an array uint8 (H, W, C), RGB first, or a list of them. The network
                gets each in its own size.

        Returns:
            UNetSegmenter: class ids, uint8 (H, W). PointRegressor: (y, x) in pixels, float32 (P, 2).
            MultiLabelClassifier: probability by tag above the threshold, the highest first. A list for a list.

        Raises:
            ValueError: An image has another form than the model takes.
            MissingDataError: A file does not exist.
        """
        with evaluation_mode(self):
            found = [self._predicted(image) for image in as_list(images)]
        return found if isinstance(images, (list, tuple)) else found[0]

    def _predicted(self, image: Any) -> Any:
        pixels = read_image(image, self.hparams["in_channels"])[None]
        batch = {"image": pixels.to(self.device), "size": torch.tensor([pixels.shape[-2:]], device=self.device)}
        return self.readable(self.predict_step(batch, 0)[0].cpu())

    def readable(self, prediction: Tensor) -> Any:
        """What `predict` returns for one image, from what `predict_step` gives for it."""
        return prediction.numpy()

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        """What is predicted for each image of a batch."""
        raise NotImplementedError

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Checks a batch while it is on the CPU; see `triptych.tasks.inputs`."""
        outputs, void = self.hparams[self.target_hparams[0]], self.hparams.get("ignore_index")
        return check_batch(batch, self.target, self.hparams["in_channels"], outputs, void)

    def on_fit_start(self) -> None:
        if self.trainer.ckpt_path is None:
            self.noise_seed = torch.initial_seed()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seeds torch, so that dropout depends only on (seed, epoch, batch, process)."""
        key = (self.noise_seed, self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self.mean_loss(self(batch["image"]), batch[self.target]).float()
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.eval_step(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self.eval_step(batch, "test")

    def eval_step(self, batch: Batch, stage: str) -> None:
        """Updates `scores` and `{stage}/loss`, the mean loss over the split, with a batch."""
        preds = self(batch["image"])
        self.split_loss.update(self._terms(preds, batch[self.target]))
        self.log(f"{stage}/loss", self.split_loss, on_step=False, on_epoch=True)
        self.update_scores(preds, batch)

    def on_validation_epoch_end(self) -> None:
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:
        self._log_scores("test")

    def _log_scores(self, stage: str) -> None:
        """Logs the scalar scores; the first is shown on the progress bar."""
        self.last_scores = {name: value.cpu() for name, value in self.scores.compute().items()}
        scalars = [name for name, value in self.last_scores.items() if value.ndim == 0]
        for name in scalars:
            self.log(f"{stage}/{name}", self.last_scores[name], prog_bar=name == scalars[0])
        self.scores.reset()

    def configure_optimizers(self) -> Any:
        """AdamW over all layer groups, and one-cycle, which steps after each optimizer step."""
        if self.dtype == torch.float16:
            raise ValueError(
                "precision: expected 16-mixed, bf16-mixed or bf16-true, got 16-true, in which AdamW divides by zero."
            )
        clips = bool(self.trainer.gradient_clip_val)  # Lightning refuses to clip with a fused optimizer
        fused = self.device.type in ("cpu", "cuda") and not clips and not self._scales_gradients()
        optimizer: Optimizer = adamw(self._groups(), self.hparams["max_lr"], self.hparams["weight_decay"], fused)
        schedule = OneCycle(optimizer, pct_start=self.hparams["pct_start"])  # planned when training starts
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _groups(self) -> LayerGroups:
        assert self.network is not None
        return self.network.layer_groups()

    def on_train_start(self) -> None:
        """Plans one-cycle from the loaded data; hyper-parameters go before what a checkpoint has restored."""
        cycle = find_cycle(self.trainer)
        self._planner = None if cycle is None else CyclePlanner(self.trainer, cycle)
        groups = [] if cycle is None else cycle.optimizer.param_groups
        if cycle is not None and [group.get("name") for group in groups] == [*self._groups()]:  # the task's own
            cycle.set_peaks(group_rates(self.hparams["max_lr"], len(groups)))
            for group in groups:
                group["weight_decay"] = self.hparams["weight_decay"]

    def on_train_end(self) -> None:
        if self._planner is not None:
            self._planner.end()
            self._planner = None

    def _scales_gradients(self) -> bool:
        """Whether a gradient scaler is used, as in float16."""
        return getattr(self.trainer.precision_plugin, "scaler", None) is not None

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Steps one-cycle, unless the gradient scaler found an overflow and skipped the optimizer's step."""
        if self._planner is None or scheduler is not self._planner.cycle:
            super().lr_scheduler_step(scheduler, metric)
        else:
            self._planner.step()

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        if self._planner is not None and self._scales_gradients():
            self.log("train/skipped_steps", float(self._planner.cycle.skipped))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Drops `encoder_weights`, since the checkpoint has all weights; adds seed, environment and scores."""
        checkpoint["hyper_parameters"]["encoder_weights"] = None
        checkpoint["noise_seed"] = self.noise_seed
        checkpoint["environment"] = environment(self.device)
        checkpoint["scores"] = {name: float(value) for name, value in self.last_scores.items() if value.ndim == 0}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes from the checkpoint the hyper-parameters that were not given.

        Raises:
            ValueError: The checkpoint is another task's, or its weights are of another network than this one.
        """
        self.noise_seed = checkpoint.get("noise_seed", self.noise_seed)
        saved = checkpoint.get("hyper_parameters")
        if saved:
            self._check_structure(saved)
            self._adopt({name: value for name, value in saved.items() if name in self.hparams})

    @property
    def _structure(self) -> tuple[str, ...]:
        """The hyper-parameters that the shapes of the weights depend on."""
        return ("encoder", "in_channels", *self.target_hparams[:1])

    def _check_structure(self, saved: Mapping[str, Any]) -> None:
        missing = [name for name in self._structure if name not in saved]
        if missing:
            raise ValueError(
                f"ckpt_path: expected a checkpoint of {type(self).__name__}, got one of "
                f"{saved.get('_class_path', 'another task')}, without {missing[0]} among its hyper-parameters; choose "
                "a checkpoint of this task."
            )
        for name in self._structure:
            if saved[name] != self.hparams[name]:
                raise ValueError(
                    f"{name}: the checkpoint has {saved[name]!r}, the model {self.hparams[name]!r}; choose the same."
                )

    def _adopt(self, saved: Mapping[str, Any]) -> None:
        kept = {*self.given, *self._structure, "encoder_weights"}
        adopted = {name: value for name, value in saved.items() if name not in kept and value != self.hparams[name]}
        for name, value in adopted.items():
            if self.hparams[name] is not None:
                rank_zero_info(f"{name}: {value!r} of the checkpoint goes before the default {self.hparams[name]!r}.")
        self.save_hyperparameters(adopted)
        self._resolve_from_data()
        if self.network is not None and adopted.keys() & {"freeze_to", "train_bn"}:
            self.network.freeze_to(self.hparams["freeze_to"], self.hparams["train_bn"])
        if self._trainer is not None:
            self.scores = self.build_scores()


def supported_scores(names: Sequence[str], scores: Tensor, support: Tensor) -> dict[str, float]:
    """The scores of the classes with support, by class name. Shape: scores and support (C,)."""
    return {names[i]: float(scores[i]) for i in support.nonzero().flatten()}


_HOOK_OF_MODULE = ".*overridden `on_before_batch_transfer` in `LightningModule`"
"""Lightning's warning that our check of a batch is used with a data module, as it should."""
_AGREE = "omit the model's to use the data's, or choose data that agree."
