"""Whether the features of a stage's encoder stay the same, so that they can be computed once."""

from typing import Any, Protocol

import lightning as L

from triptych.datamodules.images import ImageDataModule
from triptych.tasks.images import ImageTask
from triptych.tasks.training import OneCycleTraining

_OF_IMAGES = ("forward", "training_step", "trained", "on_before_batch_transfer", "on_after_batch_transfer")
"""Methods of a task that get a training batch or its images."""

_MIXING = {"mixup": "mixes images", "paste": "changes images"}
"""Arguments of a task with which an image of a training batch depends on the others, and what they do."""


class HasFeatures(Protocol):
    """The settings of a stage that are looked at."""

    @property
    def name(self) -> str: ...

    @property
    def cache_features(self) -> int | None: ...

    @property
    def train_bn(self) -> bool | None: ...


def check_frozen(stage: HasFeatures, freeze_to: int, model: OneCycleTraining, data: L.LightningDataModule) -> None:
    """Checks that a stage can cache the features of its encoder.

    Args:
        stage: A stage with `cache_features`, as it is given.
        freeze_to: Index of the first layer group that it trains.
        model: The model, whose network is built.
        data: The data.

    Raises:
        ValueError: There are no features to cache, or they change during the stage.
    """
    where = f"stages: {stage.name}: cache_features"
    views = stage.cache_features
    if isinstance(views, bool) or not isinstance(views, int) or views < 1:
        raise ValueError(f"{where}: expected a number of views, at least 1, got {views!r}.")
    if not isinstance(model, ImageTask) or not isinstance(data, ImageDataModule):
        raise ValueError(
            f"{where}: expected a model and data of images of this package, got {type(model).__name__} and "
            f"{type(data).__name__}; leave it out."
        )
    if own := _own_method(model):
        raise ValueError(f"{where}: expected {own} of this package, which takes features, got your own; leave it out.")
    for name, does in _MIXING.items():
        if value := model.hparams.get(name):
            raise ValueError(f"{where}: expected {name} 0, got {value}, which {does}; leave one of them out.")
    if trained := _trained_groups(model, freeze_to):
        raise ValueError(
            f"{where}: expected a frozen encoder, as with freeze_to -1, got freeze_to {freeze_to}, which trains "
            f"{trained[0]}; leave it out."
        )
    if stage.train_bn:
        raise ValueError(f"{where}: expected train_bn false, got true, which changes features; leave one of them out.")


def _own_method(model: ImageTask) -> str:
    """A method through which images would pass and that is not of this package; empty if there is none."""
    task: type[Any] = type(model)
    network: type[Any] = type(model.built())
    methods = {name: getattr(task, name) for name in _OF_IMAGES} | {"the network's forward": network.forward}
    own = [name for name, method in methods.items() if not method.__module__.startswith(("triptych.", "lightning."))]
    return own[0] if own else ""


def _trained_groups(model: ImageTask, freeze_to: int) -> list[str]:
    """The layer groups from `freeze_to` on that hold a part of the encoder."""
    encoder = {id(parameter) for parameter in model.built().encoder.parameters()}
    groups = [*model.layer_groups().items()][freeze_to:]
    return [name for name, parameters in groups if any(id(one) in encoder for one in parameters)]
