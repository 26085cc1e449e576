"""A U-Net learns made-up streets, in all precisions, from the five lines of the design."""

from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
from PIL import Image

from triptych import CamVidDataModule, UNetSegmenter
from triptych.models.encoder import OFFLINE_ENCODER
from triptych.runs.checkpoint import read_checkpoint


@pytest.mark.filterwarnings("ignore:.*AMP with fp16 is not supported on CPU:UserWarning")  # bfloat16 steps in
def test_the_five_lines_of_the_design_run(drawn_streets: Path, make_trainer, monkeypatch) -> None:
    quick = {"max_epochs": 1, "limit_train_batches": 1, "limit_val_batches": 1}
    monkeypatch.setattr(lightning, "Trainer", lambda **flags: make_trainer(**{**flags, **quick}))

    data = CamVidDataModule(str(drawn_streets), image_size=(60, 80), batch_size=8)
    model = UNetSegmenter(num_classes=32, ignore_index=30, encoder="resnet34", encoder_weights=None, max_lr=1e-3)
    lightning.Trainer(max_epochs=10, precision="16-mixed").fit(model, data)

    metrics = model.trainer.callback_metrics
    assert set(metrics) == {"train/loss", "val/loss", "val/void_masked_accuracy", "val/mean_iou"}
    assert all(value.isfinite() for value in metrics.values())
    assert model.class_names[30] == "Void"


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true", "64-true"])
def test_two_steps_in_any_precision_move_every_parameter(drawn_streets: Path, make_trainer, precision) -> None:
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=4)
    model = UNetSegmenter(num_classes=32, encoder=OFFLINE_ENCODER, max_lr=1e-2)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    make_trainer(max_steps=2, precision=precision, limit_val_batches=1).fit(model, data)
    assert [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])] == []


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_gradients_are_clipped_in_any_precision(drawn_streets: Path, make_trainer, precision: str) -> None:
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=4)
    model = UNetSegmenter(num_classes=32, encoder=OFFLINE_ENCODER)
    make_trainer(max_steps=1, precision=precision, limit_val_batches=0, gradient_clip_val=1e-3).fit(model, data)
    gradients = [p.grad.float().norm() for p in model.parameters() if p.grad is not None]
    assert torch.stack(gradients).norm() == pytest.approx(1e-3, rel=0.02)


def test_a_checkpoint_is_read_where_the_root_was_a_path(drawn_streets: Path, make_trainer, tmp_path: Path) -> None:
    data = CamVidDataModule(drawn_streets, image_size=(32, 48), batch_size=4)  # type: ignore[arg-type]
    trainer = make_trainer(max_steps=1, limit_val_batches=0)
    trainer.fit(UNetSegmenter(encoder=OFFLINE_ENCODER), data)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    assert read_checkpoint(tmp_path / "last.ckpt")["hyper_parameters"]["num_classes"] == 32


def test_two_epochs_lower_the_loss(drawn_streets: Path, make_trainer) -> None:
    lightning.seed_everything(0, verbose=False)
    data = CamVidDataModule(str(drawn_streets), image_size=(64, 96), batch_size=1, augment=False)
    model, trainer = UNetSegmenter(encoder=OFFLINE_ENCODER, max_lr=3e-3), make_trainer(max_epochs=2)
    (before,) = trainer.validate(model, data, verbose=False)
    trainer.fit(model, data)
    (after,) = trainer.validate(model, data, verbose=False)
    assert after["val/loss"] < 0.8 * before["val/loss"]
    assert after["val/void_masked_accuracy"] > before["val/void_masked_accuracy"] + 0.2


def test_pictures_of_any_size_are_predicted_without_labels(drawn_streets: Path, make_trainer, tmp_path: Path) -> None:
    sizes = {"a.png": (50, 70), "b.png": (64, 96), "c.png": (33, 120)}
    (tmp_path / "pictures").mkdir()
    for name, size in sizes.items():
        noise = np.random.default_rng(0).integers(256, size=(*size, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "pictures" / name)
    data = CamVidDataModule("absent", image_size=(32, 48), batch_size=2, predict_path=str(tmp_path / "pictures"))
    model = UNetSegmenter(num_classes=5, ignore_index=4, encoder="resnet18", encoder_weights=None)
    batches = make_trainer().predict(model, data)
    assert {type(masks) for masks in batches} == {list}
    assert [tuple(mask.shape) for masks in batches for mask in masks] == list(sizes.values())
    assert all(mask.max() < 5 for masks in batches for mask in masks)
