"""What a task saves in a checkpoint, and what it takes from one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from lightning.pytorch.utilities import rank_zero_info

from triptych.models.grouped_network import GroupedNetwork
from triptych.models.weights import differences
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.layout import checkpoint_of
from triptych.tasks.start import start_hparams, take_weights
from triptych.tasks.training import OneCycleTraining

_Task = TypeVar("_Task", bound="Checkpointing")


class Checkpointing(OneCycleTraining):
    """A module whose checkpoints need no other file, and do not overrule what a new model was given."""

    target_hparams: ClassVar[tuple[str, ...]] = ()
    """The hyper-parameters that describe the classes, points or tags; the first is their number."""
    structure: ClassVar[tuple[str, ...]] = ()
    """The hyper-parameters that the shapes of the encoder's weights depend on."""
    head_weight: ClassVar[str] = ""
    """The weight whose length is the number of the network's outputs."""
    network: GroupedNetwork | None

    @property
    def form(self) -> dict[str, bool]:
        """What the weights depend on beside the hyper-parameters, as `take_form` takes it."""
        return {}

    def take_form(self, checkpoint: Mapping[str, Any]) -> None:
        """Called with a checkpoint whose weights are taken, for what they depend on beside the hyper-parameters."""

    def adopted(self, names: set[str]) -> None:
        """Called when hyper-parameters of these names have been taken from a checkpoint."""

    @classmethod
    def from_checkpoint(cls: type[_Task], path: str | Path, **hyper_parameters: Any) -> _Task:
        """A model that starts from the weights of a checkpoint, also for another number of classes, points or tags.

        It has the checkpoint's hyper-parameters, except those given. If the number of classes, points or tags differs,
        their names, weights and `ignore_index` are not taken either. Weights whose shape differs, such as those of the
        last layer, are new; one line says which.

        Args:
            path: A checkpoint, or a run folder; see `RunLayout.find_checkpoint`.
            hyper_parameters: Arguments of the class; those of the encoder must be those of the checkpoint.

        Raises:
            FileNotFoundError: `path` does not exist, or the folder has no checkpoint.
            ValueError: The checkpoint is incomplete, or one of another task or encoder.
        """
        path = checkpoint_of(path)
        checkpoint = read_checkpoint(path)
        saved = checkpoint.get("hyper_parameters", {})
        model = cls(**start_hparams(cls, cls.structure, cls.target_hparams, path, saved, hyper_parameters))
        if model.network is None:
            raise ValueError(f"{path}: expected {cls.target_hparams[0]} among its hyper-parameters, got none; give it.")
        different = take_weights(model, checkpoint["state_dict"])
        model.take_form(checkpoint)
        if different:
            rank_zero_info(f"{cls.__name__}: starts from {path}, except for weights {different}.")
        return model

    def load_weights(self, checkpoint: Mapping[str, Any]) -> None:
        super().load_weights(checkpoint)
        self.take_form(checkpoint)

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

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Drops `encoder_weights`, as the checkpoint has all weights, and `tta`."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["hyper_parameters"]["encoder_weights"] = None
        checkpoint.update(self.form)
        checkpoint["hyper_parameters"].pop("tta", None)  # it would slow down each use of the weights, unasked

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes from the checkpoint the hyper-parameters that were not given.

        Raises:
            ValueError: The checkpoint is another task's, or its weights are of another network than this one.
        """
        super().on_load_checkpoint(checkpoint)
        self.take_form(checkpoint)
        saved = checkpoint.get("hyper_parameters")
        if saved:
            self._check_structure(saved)
            self._adopt({name: value for name, value in saved.items() if name in self.hparams})

    @property
    def _structure(self) -> tuple[str, ...]:
        """All hyper-parameters that the shapes of the weights depend on."""
        return (*self.structure, *self.target_hparams[:1])

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
        self.adopted({*adopted})
