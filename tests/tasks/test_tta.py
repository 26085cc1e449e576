"""Test-time augmentation: scores of the averages, the comparison with plain predictions, and where it stays off."""

import re
from pathlib import Path

import pytest
import torch
from points_files import PAIRS
from small_fit import TINY

from triptych import PointRegressor, PointsDataModule, top_losses
from triptych.models.tta import average_masks
from triptych.tasks.load import load_model
from triptych.views import views_of

SCORE = {"mask": "void_masked_accuracy", "point": "error_px", "labels": "f2"}


def cells(printed: str, name: str) -> list[str]:
    """The cells of the row of the comparison that begins with `name`, without it."""
    (row,) = (line for line in printed.splitlines() if re.match(rf"│ {re.escape(name)} +│.* to ", line))
    return [cell.strip() for cell in row.strip("│").split("│")][1:]


@pytest.mark.parametrize("stage", ["validate", "test"])
def test_scores_are_those_of_the_averages_and_a_table_compares_them_with_plain_ones(
    panel, make_trainer, capsys, stage: str
) -> None:
    model, data = panel
    (plain,) = make_trainer().validate(model, data, verbose=False)
    capsys.readouterr()
    with model.averaging("dihedral"):
        (averaged,) = getattr(make_trainer(), stage)(model, data)
    printed = capsys.readouterr().out
    prefix, name = {"validate": "val", "test": "test"}[stage], SCORE[model.target]
    without, now, *_ = cells(printed, name)
    assert float(without) == pytest.approx(plain[f"val/{name}"], rel=1e-3)
    assert float(now) == pytest.approx(averaged[f"{prefix}/{name}"], rel=1e-3)
    assert averaged[f"{prefix}/loss"] != plain["val/loss"]
    assert re.search(rf"tta, 8 views of each of {len(data.records['val'])} images", printed)
    assert re.search(
        r"^tta takes \d+\.\d\d times as long: .* \(medians of \d+ batches, measured in turn\)\.$", printed, re.M
    )
    assert ("best single threshold: " in printed) == (model.target == "labels")


def test_the_loss_of_a_validation_and_each_samples_are_of_the_averages(make_panel, make_trainer) -> None:
    model, data = make_panel("planet")
    with model.averaging("flip"):
        (logged,) = make_trainer().validate(model, data, verbose=False)
        losses = [one.loss for one in top_losses(model, data)]
    assert sum(losses) / len(losses) == pytest.approx(logged["val/loss"], rel=1e-5)


def test_training_never_averages_and_the_validations_of_a_fit_do_without_comparing(
    make_panel, make_trainer, monkeypatch, capsys
) -> None:
    model, data = make_panel("planet")
    model.views, calls = views_of("flip"), []
    average = type(model).average
    monkeypatch.setattr(type(model), "average", lambda *args: calls.append(model.training) or average(*args))
    make_trainer().fit(model, data)
    assert calls == [False] * len(data.val_dataloader())
    assert "tta" not in capsys.readouterr().out


def test_a_checkpoint_does_not_bring_it(make_panel, save_run) -> None:
    model, _ = make_panel("camvid")
    again = type(model)(num_classes=model.hparams["num_classes"], tta="flip", **TINY)
    assert again.hparams["tta"] == "flip"
    run = save_run(again)
    assert load_model(run).views == []
    assert type(model).from_checkpoint(run, tta="flip").views == views_of("flip")


def test_predict_averages_for_once(make_panel) -> None:
    model, data = make_panel("camvid")
    path = data.records["val"].paths[0]
    image = data.records["val"][0]["image"]
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = average_masks(model.eval(), pixels, views_of({"scales": [0.5, 1.5]})).argmax(dim=1)[0]
    predicted = model.predict(path, tta={"scales": [0.5, 1.5]})
    assert (torch.from_numpy(predicted) == expected).float().mean() > 0.999
    assert model.views == []
    assert (model.predict(path, tile=64, tta="flip") != model.predict(path, tile=64)).any()


def test_points_change_places_as_the_data_say_and_a_checkpoint_keeps_it(
    drawn_points: Path, make_trainer, save_run
) -> None:
    torch.manual_seed(0)
    model = PointRegressor(tta="flip", **TINY)
    make_trainer().validate(model, PointsDataModule(str(drawn_points), (48, 64), flip_pairs=PAIRS), verbose=False)
    indices = [[model.point_names.index(name) for name in pair] for pair in PAIRS]
    assert model.hparams["flip_pairs"] == indices
    image = torch.randint(256, (1, 3, 48, 64), dtype=torch.uint8)
    with torch.no_grad():
        plain, mirrored = model.eval()(image)[0], model(image.flip(-1))[0]
    first, second = indices[0]
    expected = (plain[first] + mirrored[second] * torch.tensor([1, -1])) / 2
    found = load_model(save_run(model)).predict(image[0].permute(1, 2, 0).numpy(), tta="flip")[first]
    torch.testing.assert_close(torch.from_numpy(found), (expected + 1) / 2 * torch.tensor([48, 64]))


def test_points_that_may_change_places_are_asked_for_in_one_line(drawn_points: Path, make_trainer) -> None:
    data = PointsDataModule(str(drawn_points), (48, 64))
    with pytest.raises(
        ValueError, match=r"^tta: expected flip_pairs, .* left_eye, .* got none; pass them .* none do\.$"
    ):
        make_trainer().validate(PointRegressor(tta="flip", **TINY), data)
    make_trainer().validate(PointRegressor(tta={"scales": [1.25]}, **TINY), data, verbose=False)
