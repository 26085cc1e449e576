"""`MultiLabelClassifier`: its loss, what it takes from the data, and the thresholds that it chooses and keeps."""

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import LambdaCallback, ModelCheckpoint
from PIL import Image
from recorded import record_targets
from torch.nn import functional as F
from torch.utils.data import DataLoader

from triptych import MultiLabelClassifier, PlanetDataModule, plot_confusion, show_results, show_top_losses
from triptych.callbacks import TagWriter
from triptych.metrics.thresholds import best_threshold, best_thresholds, f_beta
from triptych.models.encoder import OFFLINE_ENCODER
from triptych.tasks.mixup import mixed

SMALL = {"encoder": "resnet18", "encoder_weights": None}
TAGS = ["clear", "haze", "road"]


class ThreeTags(L.LightningDataModule):
    """Uneven batches of noise, the last of one image alone, with three tags."""

    def __init__(self, metadata: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.metadata = {"num_labels": 3, "tags": TAGS} if metadata is None else metadata
        generator = torch.Generator().manual_seed(0)
        self.batches = [
            {
                "image": torch.randint(256, (count, 3, 40, 40), dtype=torch.uint8, generator=generator),
                "labels": (torch.rand(count, 3, generator=generator) < torch.tensor([0.8, 0.5, 0.2])).float(),
                "path": [f"{count}-{number}.jpg" for number in range(count)],
            }
            for count in (4, 3, 1)
        ]

    def _loader(self) -> DataLoader:
        return DataLoader(self.batches, batch_size=None)

    train_dataloader = val_dataloader = test_dataloader = predict_dataloader = _loader


@pytest.fixture
def data() -> ThreeTags:
    return ThreeTags()


def classifier(**arguments: Any) -> MultiLabelClassifier:
    torch.manual_seed(0)
    return MultiLabelClassifier(**{**SMALL, **arguments})


@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 5.0]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_is_torchs_with_each_tag_weighed(weights, dtype) -> None:
    logits, labels = torch.randn(6, 3).to(dtype), (torch.rand(6, 3) < 0.5).float()
    loss = classifier(num_labels=3, tag_weights=weights).mean_loss(logits, labels)
    each = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none")
    torch.testing.assert_close(loss.float(), (each * torch.tensor(weights or [1.0, 1.0, 1.0])).mean())


def test_mixup_adds_up_images_and_labels_in_the_same_shares() -> None:
    """An image of one value says which two were mixed, and in which shares."""
    torch.manual_seed(1)
    values, labels = torch.arange(8) * 36, torch.eye(8)
    batch = {"image": values.to(torch.uint8)[:, None, None, None].expand(8, 3, 2, 2), "labels": labels, "path": []}
    for alpha in (0.1, 0.4, 5.0):
        both = mixed(batch, alpha)
        assert (both["image"].dtype, both["image"].shape) == (torch.uint8, (8, 3, 2, 2))
        torch.testing.assert_close(both["labels"].sum(dim=1), torch.ones(8))
        assert (both["labels"].diagonal() >= 0.5).all()
        torch.testing.assert_close(
            both["image"][:, 0, 0, 0].float(), both["labels"] @ values.float(), rtol=0, atol=0.501
        )
    assert torch.equal(labels, torch.eye(8))


@pytest.mark.parametrize("precision", ["32-true", "bf16-true"])
def test_a_fit_with_mixup_trains_on_mixed_labels_and_scores_plain_ones(data, make_trainer, precision) -> None:
    model = MultiLabelClassifier(num_labels=3, mixup=0.4, **SMALL)
    seen = record_targets(model)
    make_trainer(max_epochs=1, num_sanity_val_steps=0, precision=precision).fit(model, data)
    assert set(torch.cat(seen[True]).unique().tolist()) - {0.0, 1.0}
    assert set(torch.cat(seen[False]).unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("mixup", [-0.1, float("nan"), float("inf")])
def test_a_mixup_that_is_no_alpha_is_reported(mixup) -> None:
    with pytest.raises(ValueError, match=rf"^mixup: expected a number from 0, which mixes nothing, got {mixup}\.$"):
        classifier(num_labels=3, mixup=mixup)


def test_a_wrong_number_of_weights_is_reported() -> None:
    with pytest.raises(ValueError, match=r"^tag_weights: expected 3 numbers \(num_labels\), got 2\.$"):
        classifier(num_labels=3, tag_weights=[1.0, 2.0])


def test_number_and_names_of_the_tags_are_taken_from_the_data(data, make_trainer) -> None:
    model = classifier()
    assert model.network is None
    make_trainer().validate(model, data, verbose=False)
    assert (model.hparams["num_labels"], model.tags) == (3, TAGS)
    assert model.network.head.layers[-1].out_features == 3


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"num_labels": 17}, "num_labels: the model or its checkpoint has 17, the data 3; omit the model's to use "),
        ({"num_labels": 3, "tags": ["a", "b", "c"]}, r"tags: the model .* has \['a', 'b', 'c'\], the data \['clear', "),
    ],
)
def test_given_values_that_differ_from_the_data_are_reported(data, make_trainer, given, text) -> None:
    with pytest.raises(ValueError, match=f"^{text}"):
        make_trainer().fit(classifier(**given), data)


def test_seventeen_labels_train_from_a_plain_loader(make_trainer) -> None:
    samples = [{"image": torch.zeros(3, 32, 32, dtype=torch.uint8), "labels": torch.ones(17)} for _ in range(4)]
    model, trainer = classifier(num_labels=17), make_trainer()
    trainer.fit(model, DataLoader(samples, batch_size=2), DataLoader(samples, batch_size=2))
    assert set(trainer.callback_metrics) == {
        "train/loss",
        *(f"val/{name}" for name in ("loss", "f2", "accuracy", "macro_f2", "tags_with_support")),
    }
    assert model.tags[16] == "tag 16"


@pytest.mark.parametrize("stage", ["validate", "test"])
def test_logged_scores_are_those_of_all_tiles_at_the_models_threshold(data, make_trainer, stage) -> None:
    model = classifier(num_labels=3, threshold=0.45)
    (logged,) = getattr(make_trainer(), stage)(model, datamodule=data, verbose=False)
    with torch.no_grad():
        logits = torch.cat([model.eval()(batch["image"]) for batch in data.batches])
    labels = torch.cat([batch["labels"] for batch in data.batches])
    prefix = {"validate": "val", "test": "test"}[stage]
    assert logged[f"{prefix}/f2"] == pytest.approx(f_beta(logits.sigmoid() > 0.45, labels).mean().item())
    assert logged[f"{prefix}/loss"] == pytest.approx(
        F.binary_cross_entropy_with_logits(logits, labels).item(), rel=1e-5
    )


def test_thresholds_are_chosen_after_a_fits_validation_and_kept_in_the_checkpoint(
    data, make_trainer, tmp_path: Path
) -> None:
    model, trainer = classifier(), make_trainer(max_epochs=2)
    trainer.fit(model, data)
    seen = model.last_scores["probabilities"], model.last_scores["target"]
    assert model.thresholds_by("fixed").tolist() == pytest.approx([0.2] * 3)
    assert model.thresholds_by("single").tolist() == pytest.approx([best_threshold(*seen)] * 3)
    assert torch.equal(model.thresholds_by("per_tag"), best_thresholds(*seen))
    chosen = model.thresholds.clone()
    assert (chosen[1:] != chosen[0]).any()

    trainer.save_checkpoint(tmp_path / "last.ckpt")
    loaded = MultiLabelClassifier.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert torch.equal(loaded.thresholds, chosen)
    for model in (loaded, classifier()):  # one that knows its labels, one that takes them from the data
        other = make_trainer()
        other.validate(model, data, ckpt_path=tmp_path / "last.ckpt", verbose=False)
        other.test(model, data, ckpt_path=tmp_path / "last.ckpt", verbose=False)
        assert torch.equal(model.thresholds, chosen)


def test_a_checkpoint_holds_the_thresholds_of_its_own_epoch(data, make_trainer, monkeypatch, tmp_path: Path) -> None:
    chosen = iter([0.11, 0.22])
    monkeypatch.setattr("triptych.tasks.multilabel.best_threshold", lambda *_: next(chosen))
    keep = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1, monitor="val/f2")
    trainer = make_trainer(max_epochs=2, limit_train_batches=1, callbacks=[keep], enable_checkpointing=True)
    trainer.fit(classifier(), data)
    for epoch, threshold in enumerate([0.11, 0.22]):
        state = torch.load(tmp_path / f"epoch={epoch}.ckpt", weights_only=True)["state_dict"]
        assert state["thresholds"][1].tolist() == pytest.approx([threshold] * 3)


def test_neither_the_sanity_check_nor_a_validation_alone_chooses(data, make_trainer) -> None:
    model, seen = classifier(num_labels=3), []
    remember = LambdaCallback(on_train_start=lambda *_: seen.append(model.thresholds.clone()))
    make_trainer().validate(model, data, verbose=False)
    make_trainer(num_sanity_val_steps=2, max_steps=1, callbacks=[remember]).fit(model, data)
    assert torch.equal(seen[0][0], torch.full((3,), 0.2))
    assert seen[0][1:].isnan().all()


@pytest.mark.filterwarnings("ignore:Couldn't infer the batch indices:UserWarning")  # the loader's batches are a list
@pytest.mark.parametrize("choice", ["single", "per_tag"])
def test_thresholds_that_were_never_chosen_are_not_taken(data, make_trainer, tmp_path: Path, choice: str) -> None:
    trainer = make_trainer(limit_val_batches=0, max_steps=1)
    trainer.fit(classifier(), data)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    writer = TagWriter(str(tmp_path / "out"), thresholds=choice)
    text = (
        f"thresholds: expected values for '{choice}', got none: the validation of a fit chooses them; fit with a "
        'validation first, or use "fixed".'
    )
    with pytest.raises(ValueError, match=f"^{text}$"):
        make_trainer(callbacks=[writer]).predict(classifier(), data, ckpt_path=tmp_path / "last.ckpt")
    assert not (tmp_path / "out").exists()
    writer = TagWriter(str(tmp_path / "out"))
    make_trainer(callbacks=[writer]).predict(classifier(), data, ckpt_path=tmp_path / "last.ckpt")
    assert len((tmp_path / "out" / "tags.csv").read_text().splitlines()) == 9


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_thresholds_are_chosen_in_any_precision(data, make_trainer, precision) -> None:
    model = classifier()
    make_trainer(precision=precision).fit(model, data)
    assert (model.thresholds_by("per_tag") > 0).all()
    assert model.thresholds_by("single").tolist() == pytest.approx(
        [best_threshold(model.last_scores["probabilities"], model.last_scores["target"])] * 3
    )


def test_an_unknown_choice_of_thresholds_is_reported(data, make_trainer, tmp_path: Path) -> None:
    text = r"^thresholds: expected one of fixed, single, per_tag, got 'best'\.$"
    with pytest.raises(ValueError, match=text):
        classifier(num_labels=3).thresholds_by("best")
    writer = TagWriter(str(tmp_path / "out"), thresholds="best")
    with pytest.raises(ValueError, match=text):
        make_trainer(callbacks=[writer]).predict(classifier(num_labels=3), data)
    assert not (tmp_path / "out").exists()


def test_predictions_are_probabilities(data, make_trainer) -> None:
    model = classifier(num_labels=3)
    batches = make_trainer().predict(model, data)
    assert [batch.shape for batch in batches] == [(4, 3), (3, 3), (1, 3)]
    with torch.no_grad():
        torch.testing.assert_close(batches[0], model.eval()(data.batches[0]["image"]).sigmoid())


def test_an_epochs_last_batch_of_one_trains(drawn_tiles: Path, make_trainer) -> None:
    plain = PlanetDataModule(str(drawn_tiles), image_size=(40, 40), batch_size=23)  # 24 tiles train
    trainer = make_trainer(limit_val_batches=0)
    trainer.fit(classifier(), plain)
    assert trainer.global_step == 2
    assert trainer.callback_metrics["train/loss"].isfinite()


@pytest.fixture
def four_bands(tmp_path: Path) -> PlanetDataModule:
    """Ten noisy tiles of four bands."""
    rng, names = np.random.default_rng(0), [f"t{number}" for number in range(10)]
    (tmp_path / "tif").mkdir()
    for name in names:
        bands = rng.integers(256, size=(32, 32, 4), dtype=np.uint8)
        Image.fromarray(bands).save(tmp_path / "tif" / f"{name}.tif")
    (tmp_path / "train_v2.csv").write_text("image_name,tags\n" + "".join(f"{name},clear\n" for name in names))
    layout = {"folder": "tif", "suffix": ".tif", "channels": 4}
    return PlanetDataModule(str(tmp_path), image_size=(32, 32), batch_size=4, **layout)


def test_tiles_of_four_bands_train_from_weights_for_three_and_are_predicted(
    four_bands: PlanetDataModule, make_trainer, tmp_path: Path
) -> None:
    model = MultiLabelClassifier(encoder=OFFLINE_ENCODER, in_channels=4)
    trainer = make_trainer(max_steps=1, callbacks=[TagWriter(str(tmp_path / "out"))])
    trainer.fit(model, four_bands)
    assert (model.network.encoder.conv_stem.weight[:, 3] != 0).any()  # they start at zero
    (batch,) = trainer.predict(model, four_bands)
    assert (batch.shape, batch.isfinite().all()) == ((2, 17), True)
    assert len((tmp_path / "out" / "tags.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("stage", ["fit", "validate", "predict"])
def test_a_model_for_other_channels_than_the_tiles_have_is_reported(
    four_bands: PlanetDataModule, make_trainer, stage: str
) -> None:
    text = (
        "in_channels: the model or its checkpoint has 3, the data 4; pass `--model.in_channels 4`, or "
        "`--data.channels 3` if the tiles have that number."
    )
    with pytest.raises(ValueError, match=f"^{text}$"):
        getattr(make_trainer(), stage)(classifier(num_labels=17), datamodule=four_bands)


def test_tiles_without_tags_train_score_and_are_drawn(tiles: Path, make_trainer) -> None:
    header, *rows = (tiles / "train_v2.csv").read_text().splitlines()
    held_out = [row.partition(",")[0] for row in rows[:6]]
    table = [header, *(f"{name}," for name in held_out), *rows[6:-1], "train_29,"]
    (tiles / "train_v2.csv").write_text("\n".join(table))
    (tiles / "valid.txt").write_text("\n".join(held_out))
    data = PlanetDataModule(str(tiles), (32, 32), 8, valid_list="valid.txt")
    model, trainer = classifier(threshold=0.6, loss=["binary_cross_entropy", "focal", "asymmetric"]), make_trainer()
    trainer.fit(model, data)
    logged = trainer.callback_metrics
    assert all(logged[name].isfinite() for name in ("train/loss", "val/loss", "val/accuracy"))
    assert (logged["val/f2"], logged["val/tags_with_support"]) == (0, 0)
    assert model.thresholds.isfinite().all()
    scores, gain = model.report("validation")
    assert scores.row_count == 2
    assert gain.startswith("F2 on tiles that the thresholds were not chosen on: 0.0000 at 0.6, 0.0000 with ")
    figures = data.show_batch(), show_results(model, data), show_top_losses(model, data), plot_confusion(model, data)
    for figure in figures:
        figure.draw_without_rendering()


def test_made_up_tiles_are_learnt(drawn_tiles: Path, make_trainer) -> None:
    L.seed_everything(0, verbose=False)
    data = PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=4, augment=False)
    data.setup("fit")
    model = MultiLabelClassifier(encoder=OFFLINE_ENCODER, max_lr=1e-2, **data.metadata)
    (before,) = make_trainer().validate(model, data.train_dataloader(), verbose=False)
    make_trainer(max_epochs=8, limit_val_batches=0).fit(model, data)
    (after,) = make_trainer().validate(model, data.train_dataloader(), verbose=False)
    assert after["val/loss"] < 0.7 * before["val/loss"]
    assert after["val/f2"] > before["val/f2"] + 0.1
