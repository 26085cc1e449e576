"""A stage of a recipe: one fit, given by what differs from the previous stage."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import lightning as L

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.checks import checked_size
from triptych.datamodules.micro_batches import AUTO
from triptych.lr_finder import DEFAULT_RATE, with_found
from triptych.optim import group_rates
from triptych.recipe.data_settings import data_settings, set_in_data
from triptych.recipe.frozen import check_frozen
from triptych.runs.plain_values import plain
from triptych.tasks.base import TransferTask
from triptych.tasks.training import OneCycleTraining

_NAME = re.compile(r"\w[\w.-]*")
LAST, EVEN = "last", "even"
"""Values of `sample_weights` other than a file of losses."""


@dataclass(frozen=True)
class Stage:
    """One fit with a new optimizer and one-cycle, from the last weights of the previous stage.

    A setting left out is inherited from the previous stage; the first stage inherits from model, data and trainer.
    `image_size`, `batch_size`, `augment` and `sample_weights` are for data that have them; those of
    another package have none.

    Args:
        name: Name in tables and file names: letters, digits, "_", "-" and ".".
        epochs: Number of epochs, at least 1.
        freeze_to: Index of the first layer group that trains: 0 trains all, -1 only the head.
        image_size: (height, width) in pixels.
        batch_size: Samples per batch; if only `image_size` is given, it is scaled so that a batch keeps its number of
            pixels. "auto" is that number too, loaded in parts that fit into free memory, over which gradients are
            accumulated.
        max_lr: Peak learning rate of one-cycle, see `OneCycleTraining`; in place of each number "find" or "find/N".
        pct_start: Fraction of the steps during which the rate rises, in (0, 1).
        weight_decay: Decoupled weight decay.
        precision: The Trainer's precision, such as "bf16-mixed".
        augment: Whether training samples are augmented.
        sample_weights: CSV file of losses (see `triptych.write_losses`): samples with a higher loss are drawn more
            often; "last" for the losses at the start of the stage, "even" to draw each sample once per epoch.
        train_bn: Whether batch-norm of frozen groups keeps training.
        cache_features: Number K of augmented views of each sample whose features the frozen encoder computes once, at
            the start of the stage, into a file of the run folder; the head then trains on view e modulo K in epoch e.
            The encoder must be frozen, and does not train its batch-norm. Of this stage alone: the next one does not
            inherit it, nor the batch-norm.
    """

    name: str
    epochs: int | None = None
    freeze_to: int | None = None
    image_size: tuple[int, int] | None = None
    batch_size: int | Literal["auto"] | None = None
    max_lr: float | str | list[float | str] | None = None
    pct_start: float | None = None
    weight_decay: float | None = None
    precision: str | None = None
    augment: bool | None = None
    sample_weights: str | None = None
    train_bn: bool | None = None
    cache_features: int | None = None


@dataclass(frozen=True, kw_only=True)
class FullStage(Stage):
    """A stage with all settings resolved: None is only what the data do not have.

    Args:
        auto_batch_size: Whether `batch_size` is loaded in parts that fit into free memory.
    """

    epochs: int
    freeze_to: int
    batch_size: int | None = None
    max_lr: Any
    precision: Any
    sample_weights: str
    train_bn: bool = True
    auto_batch_size: bool = False

    def apply(
        self, model: OneCycleTraining, data: L.LightningDataModule, max_lr: Any, losses: Path | None = None
    ) -> None:
        """Sets up model and data for a fit of this stage, with the resolved `max_lr` and the file of "last" losses."""
        model.retune(max_lr=max_lr, **{name: getattr(self, name) for name in _OF_MODEL if name != "max_lr"})
        files = {EVEN: None, LAST: str(losses) if losses else None}
        weights = files.get(self.sample_weights, self.sample_weights)
        set_in_data(data, **{**{name: getattr(self, name) for name in _OF_DATA}, "sample_weights": weights})

    @contextlib.contextmanager
    def applied(self, model: OneCycleTraining, data: L.LightningDataModule, max_lr: Any) -> Iterator[None]:
        """Sets up model and data as `apply` does, and restores them afterwards."""
        restore = settings_restorer(model, data)
        self.apply(model, data, max_lr)
        try:
            yield
        finally:
            restore()


STAGE_FIELDS = tuple(field.name for field in fields(Stage))
_OF_MODEL = [name for name in STAGE_FIELDS if name in OneCycleTraining.TUNABLE]
_OF_DATA = ("image_size", "batch_size", "augment", "sample_weights")


def settings_restorer(model: OneCycleTraining, data: L.LightningDataModule) -> Callable[[], None]:
    """A function that restores the current settings of model and data, after stages changed them."""
    of_model = {name: model.hparams[name] for name in _OF_MODEL}
    of_data = data_settings(data)

    def restore() -> None:
        model.retune(**of_model)
        set_in_data(data, **of_data)

    return restore


def check_names(stages: Sequence[Stage]) -> None:
    """Checks that there are stages, each with a name of its own that can be a file name.

    Raises:
        ValueError: There are no stages, two have the same name, or a name is not a plain word.
    """
    if not stages:
        raise ValueError("stages: expected at least one, got none.")
    names = [stage.name for stage in stages]
    if unusable := [name for name in names if not isinstance(name, str) or not _NAME.fullmatch(name)]:
        raise ValueError(f'stages: expected names of letters, digits, "_", "-" and ".", got {unusable[0]!r}.')
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"stages: expected a different name for each, got {repeated[0]!r} twice.")


def fill(
    stages: Sequence[Stage], model: OneCycleTraining, data: L.LightningDataModule, precision: Any
) -> list[FullStage]:
    """Resolves the stages: each inherits from the previous one what it leaves out.

    Raises:
        ValueError: A stage has no epochs, freezes to a group that does not exist, has no rate for each group, or sets
            what the data do not have, or caches the features of an encoder that it trains.
    """
    known = _before_stages(model, data, precision)
    filled: list[FullStage] = []
    for stage in stages:
        given = {name: plain(value) for name, value in asdict(stage).items() if value is not None}
        _check_data(stage, model, data)
        if "batch_size" in given:
            given["auto_batch_size"] = given["batch_size"] == AUTO
            if given["auto_batch_size"]:
                del given["batch_size"]
        if "image_size" in given:
            given["image_size"] = checked_size("image_size", given["image_size"])
            if "batch_size" not in given:
                given["batch_size"] = _scaled_batch_size(known["batch_size"], known["image_size"], given["image_size"])
        views = given.pop("cache_features", None)
        known = {**known, **given}
        if known.get("epochs", 0) < 1:
            raise ValueError(f"stages: {stage.name}: epochs: expected at least 1, got {known.get('epochs')}.")
        _check_groups(stage.name, known["freeze_to"], known["max_lr"], model)
        own: dict[str, Any] = {}
        if views is not None:
            check_frozen(stage, known["freeze_to"], model, data)
            own = {"cache_features": views, "train_bn": False}
        filled.append(FullStage(**{**known, **own}))
    return filled


def _before_stages(model: OneCycleTraining, data: L.LightningDataModule, precision: Any) -> dict[str, Any]:
    """The settings of model, data and trainer, which the first stage inherits."""
    of_data = data_settings(data)
    known = {
        **{name: model.hparams[name] for name in _OF_MODEL},
        **{name: of_data.get(name) for name in _OF_DATA},
        "precision": precision,
        "sample_weights": of_data.get("sample_weights") or EVEN,
    }
    if isinstance(data, TriptychDataModule):
        known |= {"batch_size": data.whole_batch_size, "auto_batch_size": data.batch_size == AUTO}
    return known


def _check_data(stage: Stage, model: OneCycleTraining, data: L.LightningDataModule) -> None:
    """Checks that the data have what the stage sets, and that the model knows the losses that are asked for."""
    has = data_settings(data)
    if missing := [name for name in _OF_DATA if getattr(stage, name) is not None and name not in has]:
        raise ValueError(f"stages: {stage.name}: {missing[0]}: {type(data).__name__} has none; leave it out.")
    if stage.sample_weights == LAST and not isinstance(model, TransferTask):
        raise ValueError(
            f"stages: {stage.name}: sample_weights: expected a file of losses, as {type(model).__name__} does not give "
            f"the loss of each sample, got {LAST}."
        )


def _scaled_batch_size(batch_size: int, size: tuple[int, int], new_size: tuple[int, int]) -> int:
    """The batch size, at least 1, that keeps the number of pixels per batch when the image size changes."""
    return max(1, round(batch_size * size[0] * size[1] / (new_size[0] * new_size[1])))


def _check_groups(name: str, freeze_to: int, max_lr: Any, model: OneCycleTraining) -> None:
    groups = list(model.layer_groups())
    if not -len(groups) <= freeze_to < len(groups):
        raise ValueError(
            f"stages: {name}: freeze_to: expected a number from {-len(groups)} to {len(groups) - 1} "
            f"({', '.join(groups)}), got {freeze_to}."
        )
    try:
        group_rates(with_found(max_lr, DEFAULT_RATE), groups)
    except ValueError as error:
        raise ValueError(f"stages: {name}: {error}") from None


def first_change(before: Sequence[FullStage], now: Sequence[FullStage]) -> str | None:
    """The first difference between two recipes, in words; None if they are equal."""
    if [stage.name for stage in before] != [stage.name for stage in now]:
        return f"its stages were {', '.join(s.name for s in before)}, now {', '.join(s.name for s in now)}"
    for old, new in zip(before, now, strict=True):
        for name in [*STAGE_FIELDS, "auto_batch_size"]:
            was, is_now = getattr(old, name), getattr(new, name)
            if was != is_now:
                return f"{name} of stage {old.name} was {was}, now {is_now}"
    return None
