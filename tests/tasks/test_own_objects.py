"""What is ours acts on our own objects: a subclass, a callback or a hand may do otherwise, as in Lightning."""

from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.plugins import MixedPrecision
from small_fit import TINY
from torch.optim.lr_scheduler import ReduceLROnPlateau

from triptych import CamVidDataModule, MultiLabelClassifier, PlanetDataModule, UNetSegmenter
from triptych.callbacks import ResumePoint


class OwnEverything(UNetSegmenter):
    """Its own loss, optimizer, schedule and step."""

    def loss(self, preds: Any, target: Any) -> Any:
        return super().loss(preds, target).mean() * 2

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return self.mean_loss(self(batch["image"]), batch["mask"]).float()

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), 1e-3)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": ReduceLROnPlateau(optimizer), "monitor": "val/loss"},
        }


def scaler() -> dict[str, Any]:
    return {"plugins": [MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))]}


PRECISIONS: dict[str, dict[str, Any]] = {
    **{name: {"precision": name} for name in ("32-true", "64-true", "bf16-true", "bf16-mixed")},
    "16-mixed": {},
}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_subclass_that_overrides_everything_trains_in_each_precision(drawn_streets, make_trainer, precision) -> None:
    settings = PRECISIONS[precision] or scaler()
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=2)
    trainer = make_trainer(limit_train_batches=2, limit_val_batches=1, **settings)
    trainer.fit(OwnEverything(**TINY), data)
    assert trainer.callback_metrics["val/loss"].isfinite()


def test_half_precision_weights_are_refused_for_our_own_optimizer(drawn_streets, make_trainer) -> None:
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=2)
    with pytest.raises(ValueError, match=r"^precision: expected 16-mixed, .* got 16-true, in which AdamW"):
        make_trainer(precision="16-true").fit(UNetSegmenter(**TINY), data)


@pytest.mark.filterwarnings("ignore:You're using the WeightAveraging callback with a model that overrides")
def test_averaged_weights_work_with_a_model_that_asks_the_data_and_keep_chosen_thresholds(
    drawn_tiles, make_trainer, tmp_path
) -> None:
    model, data = MultiLabelClassifier(**TINY), PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=8)
    trainer = make_trainer(callbacks=[EMAWeightAveraging(decay=0.5)], max_epochs=2)
    trainer.fit(model, data)
    chosen = model.thresholds_by("per_tag")
    assert chosen.isfinite().all()
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    loaded = MultiLabelClassifier.load_from_checkpoint(tmp_path / "a.ckpt", threshold=0.9)
    assert torch.equal(loaded.thresholds_by("per_tag"), chosen)
    assert (loaded.thresholds_by("fixed") == 0.9).all()


def test_retune_leaves_what_was_frozen_by_hand_unless_it_is_about_freezing() -> None:
    model = UNetSegmenter(num_classes=4, **TINY)
    frozen = [*model.network.encoder.parameters()]
    for parameter in frozen:
        parameter.requires_grad_(False)
    model.retune(max_lr=1e-4)
    assert not any(parameter.requires_grad for parameter in frozen)
    model.retune(freeze_to=0)
    assert all(parameter.requires_grad for parameter in frozen)


def test_the_best_checkpoint_of_a_resume_point_alone_is_refused_in_words(drawn_streets, make_trainer, tmp_path) -> None:
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=2)
    point = ResumePoint(dirpath=str(tmp_path))
    trainer = make_trainer(callbacks=[point], enable_checkpointing=True, limit_train_batches=1, limit_val_batches=1)
    trainer.fit(UNetSegmenter(**TINY), data)
    with pytest.raises(ValueError, match=r'ckpt_path="best".* is not configured to save the best model'):
        trainer.validate(datamodule=data, ckpt_path="best")


@pytest.mark.parametrize("verbose", [True, False])
def test_tables_are_printed_unless_the_trainer_was_told_not_to(drawn_streets, make_trainer, capsys, verbose) -> None:
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=4)
    for stage in ("validate", "test"):
        getattr(make_trainer(), stage)(UNetSegmenter(**TINY), data, verbose=verbose)
        assert ("class by class" in capsys.readouterr().out) == verbose


def test_data_of_another_task_are_refused_by_name(drawn_streets, make_trainer) -> None:
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48))
    with pytest.raises(ValueError, match=r"^MultiLabelClassifier predicts tags, but CamVidDataModule has masks; "):
        make_trainer().fit(MultiLabelClassifier(**TINY), data)


def test_weights_that_come_back_from_another_process_build_their_network() -> None:
    trained = UNetSegmenter(num_classes=7, **TINY)
    parent = UNetSegmenter(**TINY)
    parent.load_state_dict(trained.state_dict(), strict=False)
    assert parent.hparams["num_classes"] == 7
    images = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(parent.eval()(images), trained.eval()(images))
