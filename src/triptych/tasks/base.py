"""Base class of the tasks: hyper-parameters from the data, the network, and the steps."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from triptych.datasets.sample import wrong_target
from triptych.exported import ExportedFolder, Manifest
from triptych.losses import ChosenLoss, LossChoice, LossFunction, LossTerms, SplitLoss
from triptych.models.grouped_network import GroupedNetwork
from triptych.models.layer_groups import LayerGroups
from triptych.optim.one_cycle import Version
from triptych.runs.plain_values import plain
from triptych.tasks.checkpoints import Checkpointing
from triptych.tasks.pretrained import Pretrained
from triptych.tasks.scoring import Scoring
from triptych.tasks.start import constructor_arguments
from triptych.tasks.training import MaxLR as MaxLR
from triptych.trainer.cpu import keep_freed_memory
from triptych.trainer.sync_batchnorm import keep_activations


class TransferTask(Checkpointing, Scoring, Pretrained):
    """Trains a network that starts from a pretrained encoder; see `ImageTask` and `TextTask`.

    A subclass declares its own arguments in its constructor and passes the others on as `**transfer`. An argument that
    is a key of the data module's `metadata` may be None; its value is then taken from there before the network is
    built, and saved in the checkpoint.

    Args:
        encoder_weights: What the encoder starts from.
        max_lr: See `OneCycleTraining`, as for the following ones.
        weight_decay: Decoupled weight decay of AdamW.
        pct_start: Fraction of the steps during which the rate rises.
        one_cycle: Version of fastai whose cycle it is.
        freeze_to: Index of the first layer group that trains: 0 trains all, -1 only the head.
        train_bn: Whether batch-norm of frozen groups keeps training.
        loss: One of `losses` by name, with arguments as `{name: NAME, argument: value}`, or a list of these for their
            sum, in which `weight` is the factor of each. In a script also a function (preds, target) of float32
            predictions, which returns `LossTerms`, or the mean over the samples. A checkpoint does not hold a function:
            pass it again to compute the loss of a loaded model.

    Raises:
        ValueError: `loss` is unknown, or one of its arguments is unknown or out of range.
    """

    required_hparam: str | None = None
    """The hyper-parameter that is needed to build the network."""
    losses: ClassVar[Mapping[str, LossFunction]] = {}
    """The losses that the argument `loss` may name."""

    def __init__(
        self,
        encoder_weights: str | None = None,
        max_lr: MaxLR = 1e-3,
        weight_decay: float = 0.01,
        pct_start: float = 0.25,
        one_cycle: Version = "fastai2",
        freeze_to: int = 0,
        train_bn: bool = True,
        loss: LossChoice = None,
    ) -> None:
        super().__init__(max_lr, weight_decay, pct_start, one_cycle, freeze_to, train_bn)
        self.save_hyperparameters(ignore="loss")  # those of the subclass too
        self._choose_loss(loss)
        stored: tuple[Any, ...] = (self._hparams, self._hparams_initial)
        for hparams in stored:
            hparams.update({name: plain(value) for name, value in hparams.items()}, loss=self.chosen_loss.plain)
        defaults = {name: plain(argument.default) for name, argument in constructor_arguments(type(self)).items()}
        self.given = {name for name, value in self.hparams.items() if value != defaults.get(name)}
        self.network, self.kept_images = None, None
        if self._can_build():
            self.configure_model()

    def _choose_loss(self, choice: LossChoice) -> None:
        self.chosen_loss = ChosenLoss(choice, self.losses)
        self.split_loss = SplitLoss(self.chosen_loss.num_terms).to(self.device)

    def build_network(self) -> GroupedNetwork:
        """Builds the task's network from resolved hyper-parameters."""
        raise NotImplementedError

    def built(self) -> GroupedNetwork:
        """The network.

        Raises:
            RuntimeError: It is not built yet.
        """
        if self.network is None:
            raise RuntimeError(f"{type(self).__name__}: the network is not built yet; {self._missing_hparam()}")
        return self.network

    def layer_groups(self) -> LayerGroups:
        return self.built().layer_groups()

    def freeze_groups(self, first: int, train_bn: bool) -> None:
        if self.network is not None:  # else it is frozen when it is built
            self.network.freeze_to(first, train_bn)

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
            keep_activations(self.trainer)
            if self.trainer.strategy.root_device.type == "cpu":
                keep_freed_memory()
        self.start_scores()
        self._hush_hook_warning()

    def _hush_hook_warning(self) -> None:
        """Makes Lightning give its warning about our check of a batch, once per process, where nobody hears it."""
        hooks = self.trainer._data_connector._datahook_selector
        assert hooks is not None  # it is there once the data are attached
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hooks.get_instance("on_before_batch_transfer")

    @property
    def encoder_name(self) -> str:
        """What the network is built on, in words."""
        return type(self.network).__name__

    def _resolve_from_data(self) -> None:
        self.resolve(getattr(self._datamodule, "metadata", {}))

    def resolve(self, metadata: Mapping[str, Any]) -> None:
        """Checks `metadata` against the hyper-parameters, and fills in those that are None."""
        known = {name: plain(value) for name, value in metadata.items() if name in self.hparams}
        for name, value in known.items():
            if self.hparams[name] not in (None, value):
                raise ValueError(
                    f"{name}: the model or its checkpoint has {self.hparams[name]!r}, the data {value!r}; {_AGREE}"
                )
        missing = {name: value for name, value in known.items() if self.hparams[name] is None}
        if missing:
            self.save_hyperparameters(missing)

    def adopted(self, names: set[str]) -> None:
        if "loss" in names:
            self._choose_loss(self.hparams["loss"])
        self._resolve_from_data()
        if names & {"freeze_to", "train_bn"}:
            self.freeze_groups(self.hparams["freeze_to"], self.hparams["train_bn"])
        if self._trainer is not None:
            self.start_scores()

    def configure_model(self) -> None:
        """Builds the network; Lightning calls it before it loads a checkpoint, and some callbacks before `setup`."""
        if self.network is None:
            self._resolve_from_data()
            if not self._can_build():
                raise ValueError(self._missing_hparam())
            self.network = self.build_network()
            self.freeze_groups(self.hparams["freeze_to"], self.hparams["train_bn"])

    def take_manifest(self, manifest: Manifest, exported: ExportedFolder) -> None:
        self.take_form(manifest.form)

    def loss(self, preds: Tensor, target: Tensor) -> LossTerms | Tensor:
        """The loss of a batch, as sum and weight, or as the mean over its samples.

        Override it for a loss that needs more than the argument `loss` can say.

        Args:
            preds: Output of `forward`.
            target: The batch's value of the key `self.target`.
        """
        return self.chosen_loss(preds, target)

    def mean_loss(self, preds: Tensor, target: Tensor) -> Tensor:
        """Mean loss of a batch, a scalar; see `loss`."""
        return self._terms(preds, target).mean()

    def _terms(self, preds: Tensor, target: Tensor) -> LossTerms:
        loss = self.loss(preds, target)
        if isinstance(loss, LossTerms):
            return loss
        count = loss.new_full((), len(target))
        return LossTerms(loss * count, count)

    def describe_mistake(self, preds: Tensor, target: Tensor, size: Tensor) -> str:
        """What is wrong with the prediction of one sample, in one line.

        Shape: preds and target of one sample, without N; size as in its batch: (2,), height and width of its file in
            pixels, or (), number of its tokens.
        """
        raise NotImplementedError

    def check(self, batch: Any) -> Any:
        """A batch on the CPU as the steps take it: what is unambiguous is brought into form, all else is refused."""
        return batch

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return self.check(batch)

    def predicted(self, inputs: Tensor) -> Tensor:
        """What is predicted, in the form of `forward`."""
        preds: Tensor = self(inputs)
        return preds

    def trained(self, batch: Any) -> Tensor:
        """What the network gives for a training batch, in the form of `forward`."""
        preds: Tensor = self(batch[self.input])
        return preds

    def evaluated(self, batch: Any) -> Tensor:
        """What is predicted for a batch of a validation or test, in the form of `forward`."""
        return self.predicted(batch[self.input])

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        loss = self.mean_loss(self.trained(batch), batch[self.target]).float()
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.eval_step(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.eval_step(batch, "test")

    def eval_step(self, batch: Any, stage: str) -> None:
        """Updates `scores` and `{stage}/loss`, the mean loss over the split, with a batch."""
        preds = self.evaluated(batch)
        self.split_loss.update(self._terms(preds, batch[self.target]))
        self.log(f"{stage}/loss", self.split_loss, on_step=False, on_epoch=True)
        self.update_scores(preds, batch)


_AGREE = "omit the model's to use the data's, or choose data that agree."
