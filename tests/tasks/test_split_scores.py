"""The scores of a split say what they are about; after a fit the last weights stand beside the best epoch."""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console
from rich.table import Table
from small_fit import Case, data_of, fit, model_of

from triptych import CamVidDataModule, UNetSegmenter
from triptych.callbacks import ResumePoint
from triptych.metrics.image_counts import PointCounts
from triptych.metrics.units import Groups, Units
from triptych.runs.checkpoint import SavedScores, saved_scores
from triptych.runs.layout import RunLayout
from triptych.tasks.split_scores import KeptCounts, SplitScores, between

KEPT = torch.rand(12, 5, generator=torch.Generator().manual_seed(0)).index_fill(1, torch.tensor([4]), 1.0)
VALUES = {"error_px": 12.3456, "mse": 0.00051234, "loss": 1.0}


def scores(count: int = 12, **about: Any) -> SplitScores:
    images = KeptCounts(PointCounts(), KEPT[:count], ["a.png"] * count)
    return SplitScores("val", "persons 02", Units(count, "frame", **about), VALUES, images, epoch=14)


def lines(table: Table) -> list[str]:
    """What is printed on 80 columns."""
    Console(file=(printed := io.StringIO()), width=80).print(table)
    return [line.rstrip() for line in printed.getvalue().splitlines()]


def cells(printed: list[str], name: str) -> list[str]:
    (row,) = (line for line in printed if f"│ {name} " in line)
    return [cell.strip() for cell in row.strip("│").split("│")][1:]


def test_a_table_names_its_images_and_what_is_drawn() -> None:
    printed = lines(scores(groups=Groups(["02"] * 12, "person")).table())
    assert printed[0] == "val (persons 02, 12 frames)"
    error, bounds = cells(printed, "val/error_px")
    assert error == "12.35" and all(len(bound.split(".")[1]) == 2 for bound in bounds.split(" to "))
    assert cells(printed, "val/loss") == ["1.000", ""]
    below = "95% interval: 1,000 draws of 12 frames of one person; neighbours are alike, so it is too narrow"
    assert " ".join(line.strip() for line in printed).endswith(below)


def test_four_images_have_no_interval() -> None:
    four = scores(4)
    assert (four.intervals, four.drawn) == ({}, "")
    assert cells(lines(four.table()), "val/mse") == ["0.0005123"]


def test_the_best_epoch_stands_beside_the_last_unless_they_are_the_same() -> None:
    other = SavedScores(Path("best.ckpt"), 12, {"error_px": 11.0, "mse": 0.0004}, "")
    printed = lines(scores().table(other))
    assert [*filter(str.isalnum, printed[2].split())] == ["last", "best"]
    assert re.findall(r"epoch \d+", printed[3]) == ["epoch 14", "epoch 12"]
    assert cells(printed, "val/error_px")[::2] == ["12.35", "11.00"] and cells(printed, "val/loss")[2] == ""
    same = lines(scores().table(replace(other, epoch=14, values=VALUES)))
    assert "last and best" in same[2] and len(cells(same, "val/error_px")) == 2


@pytest.mark.parametrize(
    ("value", "shown"), [(0.92, "0.9123 to 0.9300"), (12.3, "0.91 to 0.93"), (1e-6, "0.9123 to 0.9300")]
)
def test_bounds_have_the_decimals_of_their_value(value: float, shown: str) -> None:
    assert between(value, (0.91234, 0.93)) == shown


def test_a_fit_ends_with_the_last_weights_beside_the_best_and_says_which_stands_for_the_run(
    drawn_tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = TensorBoardLogger(tmp_path, "planet", default_hp_metric=False)
    first = ModelCheckpoint(monitor="epoch", mode="min", filename="best", enable_version_counter=False)
    fit(Case("planet", epochs=2), drawn_tiles, tmp_path, [first, ResumePoint()], logger=logger, log_every_n_steps=1)
    printed = capsys.readouterr().out.splitlines()
    layout = RunLayout(tmp_path / "planet" / "version_0")
    best, last = saved_scores(layout.best), saved_scores(layout.last)
    assert (best.epoch, last.epoch) == (1, 2)
    assert best.over == last.over == "valid_fraction 0.2, seed 3, 6 tiles"
    assert cells(printed, "val/f2")[::2] == [f"{one.values['f2']:#.4g}" for one in (last, best)]
    assert "val (valid_fraction 0.2, seed 3, 6 tiles)" in " ".join(line.strip() for line in printed)
    assert "`triptych export RUN` takes best.ckpt; name last.ckpt for the last weights." in printed
    assert layout.find_checkpoint() == layout.best


@pytest.mark.parametrize(("task", "intervals"), [("language", []), ("imdb", ["accuracy", "f1"])])
def test_texts_are_counted_and_a_language_model_has_no_interval(
    task: str, intervals: list[str], drawn_reviews: Path, make_trainer: Any
) -> None:
    model: Any = model_of(Case(task))
    make_trainer().validate(model, data_of(Case(task), drawn_reviews), verbose=False)
    assert model.split_scores.over == "column is_valid, 12 texts"
    assert [*model.split_scores.intervals] == intervals


def test_data_of_a_users_own_are_counted(drawn_streets: Path, make_trainer: Any) -> None:
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=3)
    data.setup("fit")
    model = UNetSegmenter(**data.metadata, encoder="timm-mobilenetv3_small_minimal_100", encoder_weights=None)
    make_trainer().validate(model, data.train_dataloader(), verbose=False)
    assert model.split_scores is not None
    assert model.split_scores.title == "val (8 images)" and "mean_iou" in model.split_scores.intervals
