"""`PointRegressor` learns made-up portraits, and reports its errors in pixels of the files."""

from pathlib import Path

import lightning as L
import pytest
import torch
from biwi_files import write_person
from small_fit import TINY
from torch.nn import functional as F
from torch.utils.data import DataLoader

from triptych import BIWIDataModule, PointRegressor, find_lr
from triptych.metrics import PointScores
from triptych.models.encoder import OFFLINE_ENCODER

SMALL = {"encoder": "resnet18", "encoder_weights": None}
SCORES = ("loss", "error_px", "mse", "within_5px", "within_10px")


@pytest.fixture
def portraits(drawn_portraits: Path) -> BIWIDataModule:
    return BIWIDataModule(str(drawn_portraits), image_size=(48, 64), batch_size=4, valid_person="02")


class ThreePoints(L.LightningDataModule):
    """Uneven batches of noise with three points per image, and frames of uneven size."""

    metadata = {"num_points": 3}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.batches = [
            {
                "image": torch.randint(256, (count, 3, 32, 64), dtype=torch.uint8, generator=generator),
                "point": 2 * torch.rand(count, 3, 2, generator=generator) - 1,
                "size": torch.randint(40, 400, (count, 2), generator=generator),
                "only_resized": torch.zeros(count, dtype=torch.bool),
            }
            for count in (3, 1, 2)
        ]

    def _loader(self) -> DataLoader:
        return DataLoader(self.batches, batch_size=None)

    train_dataloader = val_dataloader = test_dataloader = predict_dataloader = _loader


def test_three_epochs_lower_loss_and_error(drawn_portraits: Path, make_trainer) -> None:
    L.seed_everything(0, verbose=False)
    data = BIWIDataModule(str(drawn_portraits), (48, 64), batch_size=2, augment=False, valid_person="02")
    data.setup("fit")
    model = PointRegressor(encoder=OFFLINE_ENCODER, max_lr=1e-2)
    (before,) = make_trainer().validate(model, data.train_dataloader(), verbose=False)
    make_trainer(max_epochs=3, limit_val_batches=0).fit(model, data)
    (after,) = make_trainer().validate(model, data.train_dataloader(), verbose=False)
    assert after["val/loss"] < 0.3 * before["val/loss"]
    assert after["val/error_px"] < 0.5 * before["val/error_px"]


def test_a_fit_logs_each_score_under_its_name(portraits: BIWIDataModule, make_trainer) -> None:
    trainer = make_trainer()
    trainer.fit(PointRegressor(**SMALL), portraits)
    metrics = trainer.callback_metrics
    assert set(metrics) == {"train/loss", "train/only_resized", *(f"val/{name}" for name in SCORES)}
    assert all(value.isfinite() for value in metrics.values())
    assert metrics["val/mse"] == pytest.approx(metrics["val/loss"].item(), rel=1e-5)


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_a_step_in_any_precision_moves_the_encoder(portraits: BIWIDataModule, make_trainer, precision) -> None:
    model = PointRegressor(**SMALL, max_lr=1e-2)
    before = model.network.encoder.conv1.weight.detach().clone()
    make_trainer(max_steps=2, precision=precision, limit_val_batches=1).fit(model, portraits)
    assert not torch.equal(model.network.encoder.conv1.weight, before)


@pytest.mark.filterwarnings("ignore:.*in eval mode at the start of training")  # frozen batch-norm, which is meant
@pytest.mark.parametrize("freeze_to", [0, -1])
def test_a_last_batch_of_one_frame_trains(drawn_portraits: Path, make_trainer, freeze_to: int) -> None:
    data = BIWIDataModule(str(drawn_portraits), (40, 40), batch_size=4, valid_person="02", train_persons=["01"])
    trainer = make_trainer(limit_val_batches=0)
    trainer.fit(PointRegressor(**SMALL, freeze_to=freeze_to, train_bn=False), data)
    assert (len(data.records["train"]), trainer.global_step) == (5, 2)


@pytest.mark.parametrize("stage", ["validate", "test"])
def test_logged_scores_are_those_of_all_points(make_trainer, stage: str) -> None:
    torch.manual_seed(0)
    data, model, scores = ThreePoints(), PointRegressor(num_points=3, **SMALL), PointScores()
    (logged,) = getattr(make_trainer(), stage)(model, datamodule=data, verbose=False)
    preds, target = [], []
    with torch.no_grad():
        for batch in data.batches:
            preds.append(model.eval()(batch["image"]))
            target.append(batch["point"])
            scores.update(preds[-1], target[-1], batch["size"])
    prefix = {"validate": "val", "test": "test"}[stage]
    expected = {f"{prefix}/{name}": value.item() for name, value in scores.compute().items()}
    expected[f"{prefix}/loss"] = F.mse_loss(torch.cat(preds), torch.cat(target)).item()
    assert logged == pytest.approx(expected, rel=1e-5)


def test_three_points_are_trained_and_predicted(make_trainer) -> None:
    data, model = ThreePoints(), PointRegressor(num_points=3, **SMALL)
    make_trainer().fit(model, data)
    assert [tuple(points.shape) for points in make_trainer().predict(model, data)] == [(3, 3, 2), (1, 3, 2), (2, 3, 2)]


@pytest.mark.parametrize("stage", ["fit", "validate", "test", "predict"])
def test_another_number_of_points_than_the_data_has_is_reported(portraits: BIWIDataModule, make_trainer, stage) -> None:
    with pytest.raises(ValueError, match=r"^num_points: ") as caught:
        getattr(make_trainer(), stage)(PointRegressor(num_points=3, **SMALL), datamodule=portraits)
    assert str(caught.value) == (
        "num_points: the model or its checkpoint has 3, the data 1; omit the model's to use the data's, or "
        "choose data that agree."
    )


def test_the_fraction_of_frames_that_were_only_resized_is_logged(tmp_path: Path, make_trainer) -> None:
    write_person(tmp_path / "01", [(30.0, 20.0), (9000.0, 20.0), (31.0, 21.0), (33.0, 25.0), (29.0, 24.0)])
    write_person(tmp_path / "13", [(30.0, 20.0)])
    data = BIWIDataModule(str(tmp_path), (48, 64), batch_size=2, outside="keep")
    trainer = make_trainer(limit_val_batches=0)
    with pytest.warns(UserWarning, match="biwi: 1 of 5 centres lie outside of their frame and are kept"):
        trainer.fit(PointRegressor(**SMALL), data)
    assert trainer.callback_metrics["train/only_resized"] == pytest.approx(1 / 5)


@torch.no_grad()
def test_predictions_are_in_pixels_of_each_file() -> None:
    torch.manual_seed(0)
    model = PointRegressor(num_points=2, **SMALL).eval()
    images = torch.randint(256, (3, 3, 32, 48), dtype=torch.uint8)
    sizes = [[32, 48], [480, 640], [31, 17]]
    predicted, points = model.predict_step({"image": images, "size": torch.tensor(sizes)}, 0), model(images)
    assert predicted.shape == (3, 2, 2)
    for one, of_image, (height, width) in zip(predicted, points, sizes, strict=True):
        expected = [[(y + 1) / 2 * height, (x + 1) / 2 * width] for y, x in of_image.tolist()]
        torch.testing.assert_close(one, torch.tensor(expected))
        assert ((one >= 0) & (one <= torch.tensor([height, width]))).all()


def test_checkpoint_loads_without_data(portraits: BIWIDataModule, make_trainer, tmp_path: Path) -> None:
    trainer, model = make_trainer(limit_val_batches=0), PointRegressor(**SMALL, max_lr=[1e-5, 1e-3])
    trainer.fit(model, portraits)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    loaded = PointRegressor.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert (loaded.hparams["num_points"], loaded.hparams["max_lr"]) == (1, [1e-5, 1e-3])
    images = torch.randint(256, (2, 3, 50, 70), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(images), model.eval()(images))


@pytest.mark.parametrize("before", [True, False])
def test_weights_keep_the_centres_of_cells_that_they_were_trained_with(
    portraits: BIWIDataModule, make_trainer, tmp_path: Path, before: bool
) -> None:
    """A checkpoint of before there was a choice has the outermost cells on the edges of the image."""
    path, trainer, model = tmp_path / "last.ckpt", make_trainer(limit_val_batches=0), PointRegressor(**SMALL)
    trainer.fit(model, portraits)
    trainer.save_checkpoint(path)
    saved = torch.load(path, weights_only=True)
    assert not saved["heatmap_on_edges"]
    if before:
        del saved["heatmap_on_edges"]
        torch.save(saved, path)
        model.network.head.on_edges = True
    images = torch.randint(256, (2, 3, 50, 70), dtype=torch.uint8)
    points = model.eval()(images)
    (validated, weighed) = PointRegressor(**SMALL), PointRegressor(**SMALL)
    make_trainer(limit_val_batches=1).validate(validated, portraits, ckpt_path=path, verbose=False)
    weighed.load_weights(torch.load(path, weights_only=True))
    for found in (PointRegressor.load_from_checkpoint(path), PointRegressor.from_checkpoint(path), validated, weighed):
        assert torch.equal(found.eval()(images), points)
    again = make_trainer(max_epochs=2, limit_val_batches=0)
    again.fit(PointRegressor(**SMALL), portraits, ckpt_path=path)
    again.save_checkpoint(path)
    assert torch.load(path, weights_only=True)["heatmap_on_edges"] == before


class Faces(ThreePoints):
    """The same with names, and without some of the points."""

    metadata = {"num_points": 3, "point_names": ["nose", "ear", "eye"]}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        for number, batch in enumerate(self.batches):
            batch["point"][0, number] = torch.nan
        self.batches[1]["point"][:] = torch.nan


@pytest.mark.parametrize("stage", ["fit", "validate", "test", "predict"])
def test_number_and_names_left_out_are_taken_from_the_data(make_trainer, stage: str) -> None:
    model = PointRegressor(**SMALL)
    encoder = model.network.encoder.conv1.weight
    getattr(make_trainer(), stage)(model, datamodule=Faces())
    assert (model.hparams["num_points"], model.point_names) == (3, ["nose", "ear", "eye"])
    assert model.network.head.maps[-1].out_channels == 3
    assert model.network.encoder.conv1.weight is encoder, "only the last layer is a new one"
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    assert model(images).shape == (2, 3, 2)


def test_a_fit_with_missing_points_keeps_all_numbers_finite_and_scores_the_known_ones(make_trainer) -> None:
    data, model = Faces(), PointRegressor(**SMALL)
    trainer = make_trainer(max_epochs=2)
    trainer.fit(model, data)
    assert all(value.isfinite() for value in trainer.callback_metrics.values())
    assert all(weight.isfinite().all() for weight in model.state_dict().values())
    known = torch.cat([~batch["point"].isnan().any(dim=-1) for batch in data.batches])
    assert model.last_scores["support"].tolist() == known.sum(dim=0).tolist() == [4, 5, 4]
    (table,) = model.report("validation")
    assert table.title == "validation, point by point" and table.row_count == 4
    errors = model.class_scores()["error_px"]
    assert [*errors] == ["nose", "ear", "eye"]
    mean = sum(errors[name] * count for name, count in zip(errors, (4, 5, 4), strict=True)) / 13
    assert mean == pytest.approx(model.last_scores["error_px"].item(), rel=1e-4)


def test_one_point_has_no_table_and_no_curve_of_its_own(portraits: BIWIDataModule, make_trainer) -> None:
    model = PointRegressor(**SMALL)
    make_trainer().validate(model, portraits, verbose=False)
    assert (model.hparams["num_points"], model.report("validation"), model.class_scores()) == (1, [], {})


def test_without_data_that_say_it_there_is_one_point(make_trainer) -> None:
    model, points = PointRegressor(**SMALL), ThreePoints()
    for batch in points.batches:
        batch["point"] = batch["point"][:, :1]
    make_trainer(limit_val_batches=1).fit(model, points.train_dataloader(), points.val_dataloader())
    assert model.hparams["num_points"] == 1
    with pytest.raises(ValueError, match=r"point: expected \(y, x\) of 1 points, .*, got \(3, 3, 2\)"):
        make_trainer().validate(model, ThreePoints().val_dataloader())


def test_a_checkpoint_of_several_points_is_gone_on_with_whatever_was_left_out(make_trainer, tmp_path: Path) -> None:
    path, trainer = tmp_path / "last.ckpt", make_trainer(limit_val_batches=0)
    trainer.fit(PointRegressor(**TINY), Faces())
    trainer.save_checkpoint(path)
    loaded, images = PointRegressor.load_from_checkpoint(path), torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    assert (loaded.hparams["num_points"], loaded.point_names) == (3, ["nose", "ear", "eye"])
    expected = loaded.eval()(images)
    bare, own_loader, by_state = (PointRegressor(**TINY) for _ in range(3))
    make_trainer(max_epochs=2, limit_val_batches=0).fit(bare, Faces(), ckpt_path=path)
    assert bare.hparams["num_points"] == 3
    make_trainer().validate(own_loader, Faces().val_dataloader(), ckpt_path=path, verbose=False)
    by_state.load_state_dict(loaded.state_dict())
    for model in (own_loader, by_state, PointRegressor.from_checkpoint(path)):
        assert torch.equal(model.eval()(images), expected)
    five = PointRegressor.from_checkpoint(path, num_points=5)
    assert (five.eval()(images).shape, five.hparams["point_names"]) == ((1, 5, 2), None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_points": 2}, "num_points: the model or its checkpoint has 2, the data 3;"),
        (
            {"point_names": ["ear", "nose", "eye"]},
            r"point_names: .* \['ear', .*\], .*; set point_names of the data to",
        ),
    ],
)
def test_points_that_differ_from_the_data_are_reported(make_trainer, arguments, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        make_trainer().validate(PointRegressor(**arguments, **SMALL), Faces())


def test_names_say_the_number_and_must_agree_with_it() -> None:
    assert PointRegressor(point_names=["a", "b"], **SMALL).network.head.maps[-1].out_channels == 2
    with pytest.raises(ValueError, match=r"point_names: expected 3 names \(num_points\), got 2\."):
        PointRegressor(num_points=3, point_names=["a", "b"], **SMALL)


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
def test_a_search_for_a_rate_leaves_a_model_whose_number_the_data_say_as_it_would_start(make_trainer) -> None:
    weights = []
    for searches in (False, True):
        L.seed_everything(0, verbose=False)
        model = PointRegressor(**TINY)
        if searches:
            find_lr({"accelerator": "cpu"}, model, Faces(), num_steps=2)
        make_trainer(max_steps=1, limit_val_batches=0).fit(model, Faces())
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
