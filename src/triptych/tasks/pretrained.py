"""Models from an exported folder, of this machine or of the Hugging Face hub; safetensors alone, never a pickle."""

import re
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import lightning as L
from huggingface_hub import snapshot_download
from safetensors import SafetensorError
from safetensors.torch import load_file

from triptych.datasets.sample import Target
from triptych.errors import BadSampleError, MissingDataError, one_line
from triptych.exported import ExportedFolder, Manifest
from triptych.models.grouped_network import GroupedNetwork
from triptych.models.weights import differences
from triptych.tasks.start import constructor_arguments

_Task = TypeVar("_Task", bound="Pretrained")
_ON_HUB = re.compile(r"[\w.-]+/[\w.-]+")


class Pretrained(L.LightningModule):
    """A LightningModule that can start from an exported folder."""

    target: ClassVar[Target]
    """The key of a sample's target."""
    network: GroupedNetwork | None

    def take_manifest(self, manifest: Manifest, exported: ExportedFolder) -> None:
        """Takes what a model needs beside hyper-parameters and weights from a manifest and its folder."""
        raise NotImplementedError

    @classmethod
    def from_pretrained(cls: type[_Task], source: str | Path) -> _Task:
        """A model with the weights of an export, on the CPU; to predict with, or to train further.

        Args:
            source: A folder of `triptych export`, or `"user/name"` on the Hugging Face hub.

        Raises:
            FileNotFoundError: It is neither.
            ConnectionError: The hub cannot be reached, or has no such model.
            BadSampleError: A file has changed since the export, or does not fit the others.
            ValueError: It is a model of another task.
        """
        exported = ExportedFolder(_local(source))
        manifest = exported.read(exported.weights)
        model = cls.from_manifest(manifest, exported.manifest)
        assert model.network is not None
        try:
            weights = load_file(exported.weights)
        except SafetensorError as error:
            raise BadSampleError(f"{exported.weights}: expected safetensors, got other content.") from error
        if different := differences(model.network.state_dict(), weights):
            raise BadSampleError(f"{exported.weights}: expected the weights that model.json describes; {different}.")
        model.network.load_state_dict(weights)
        return model

    @classmethod
    def from_manifest(cls: type[_Task], manifest: Manifest, path: Path) -> _Task:
        """A model that `model.json` describes, with random weights.

        Args:
            manifest: Its content.
            path: The file, for errors.

        Raises:
            BadSampleError: Its hyper-parameters are none of the class.
            ValueError: It describes a model of another task.
        """
        if manifest.task != cls.target:
            raise ValueError(
                f"{path}: task: {cls.__name__} predicts {cls.target!r}, got a model for {manifest.task!r}; take the "
                "class of that task."
            )
        given: dict[str, Any] = {**manifest.hyper_parameters, "encoder_weights": None}
        if unknown := sorted(given.keys() - constructor_arguments(cls).keys()):
            raise BadSampleError(f"{path}: hyper_parameters: {cls.__name__} has no {', '.join(unknown)}.")
        try:
            model = cls(**given)
            model.configure_model()
            model.take_manifest(manifest, ExportedFolder(path.parent))
        except (TypeError, ValueError, RuntimeError) as error:
            raise BadSampleError(f"{path}: hyper_parameters: {one_line(error)}") from error
        return model


def _local(source: str | Path) -> Path:
    """The folder itself, or that of a model of the hub, which is fetched if it is not there."""
    if Path(source).is_dir():
        return Path(source)
    if not _ON_HUB.fullmatch(str(source)):
        raise MissingDataError(
            f"{source}: no such folder; expected one of `triptych export`, or user/name on the Hugging Face hub."
        )
    folder = ExportedFolder("")
    wanted = [path.name for path in (folder.manifest, folder.weights, folder.vocab, folder.tokenizer)]
    try:
        return Path(snapshot_download(str(source), allow_patterns=wanted))
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"{source}: no such folder here, and the Hugging Face hub did not give it; {one_line(error)}"
        ) from error
