"""Every hyper-parameter given beside a checkpoint is used, or refused with both values, wherever that goes in."""

from pathlib import Path
from typing import Any

import pytest
from lightning import Trainer
from small_fit import TINY

from triptych import MultiLabelClassifier, PlanetDataModule
from triptych.datasets.planet_tags import PLANET_TAGS

OTHER: dict[str, Any] = {
    **{"threshold": 0.7, "tag_weights": [2.0] * 17, "max_lr": 1e-5, "weight_decay": 0.5, "pct_start": 0.6},
    "one_cycle": "fastai1",
    **{"freeze_to": -1, "train_bn": False, "tags": list(PLANET_TAGS), "num_labels": 5, "in_channels": 4},
    **{"encoder": "resnet18", "loss": {"name": "focal", "gamma": 1.0}, "tta": "flip", "mixup": 0.4},
}
"""For each hyper-parameter a value that differs from its default and from the checkpoint's."""
REFUSED = {"num_labels", "in_channels", "encoder"}
WAYS = ("fit", "validate", "test", "predict", "load")


@pytest.fixture(scope="module")
def begun(drawn_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a short fit with hyper-parameters that are not the defaults."""
    path = tmp_path_factory.mktemp("begun") / "one.ckpt"
    trainer = quick()
    trainer.fit(MultiLabelClassifier(threshold=0.4, max_lr=2e-3, weight_decay=0.02, **TINY), data(drawn_tiles))
    trainer.save_checkpoint(path)
    return path


def data(root: Path) -> PlanetDataModule:
    return PlanetDataModule(str(root), image_size=(32, 32), batch_size=4)


def quick(epochs: int = 1) -> Trainer:
    limits = {f"limit_{name}_batches": 1 for name in ("train", "val", "test", "predict")}
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(accelerator="cpu", max_epochs=epochs, enable_checkpointing=False, **limits, **quiet)


def model_beside(way: str, checkpoint: Path, root: Path, **given: Any) -> MultiLabelClassifier:
    """The model after a checkpoint has gone into it."""
    if way == "load":
        return MultiLabelClassifier.load_from_checkpoint(checkpoint, **given)
    model = MultiLabelClassifier(**{**TINY, **given})
    source = PlanetDataModule(str(root), image_size=(32, 32), batch_size=4, channels=given.get("in_channels", 3))
    getattr(quick(epochs=2), way)(model, datamodule=source, ckpt_path=checkpoint)
    return model


def test_every_hyper_parameter_stands_in_the_table() -> None:
    assert OTHER.keys() | {"encoder_weights"} == MultiLabelClassifier(**TINY).hparams.keys()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [name for name in OTHER if name not in REFUSED])
def test_what_is_given_is_used(begun: Path, drawn_tiles: Path, way: str, name: str) -> None:
    model = model_beside(way, begun, drawn_tiles, **{name: OTHER[name]})
    assert model.hparams[name] == OTHER[name]
    if name == "threshold":
        assert (model.thresholds_by("fixed") - 0.7).abs().max() < 1e-6
        assert way == "load" or model.scores.threshold == 0.7


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_the_weights_depend_on_is_refused(begun: Path, drawn_tiles: Path, way: str, name: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=name if way != "load" else "weights|channels"):
        model_beside(way, begun, drawn_tiles, **{name: OTHER[name]})


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_given_is_the_checkpoints(begun: Path, drawn_tiles: Path, way: str) -> None:
    found = model_beside(way, begun, drawn_tiles).hparams
    assert {name: found[name] for name in ("threshold", "max_lr", "weight_decay")} == {
        **{"threshold": 0.4, "max_lr": 2e-3},
        "weight_decay": 0.02,
    }
