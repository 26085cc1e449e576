"""`triptych` on Planet from fit to the competition's table."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from command_line import QUIET, Run, config_args, fails, finished_fit, runs_in, table
from PIL import Image

from triptych.callbacks import TagWriter
from triptych.datasets.planet_tags import PLANET_TAGS

pytestmark = QUIET

GAIN = r"F2 on tiles that the thresholds were not chosen on: \d\.\d{4} at 0\.2, \d\.\d{4} with the best single one, "


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, drawn_tiles: Path) -> Run:
    return finished_fit("planet", drawn_tiles, tmp_path_factory.mktemp("runs"))


def thresholds(run: Run) -> torch.Tensor:
    return torch.load(run.best, weights_only=True)["state_dict"]["thresholds"]


def test_fit_prints_the_table_once_then_the_gain_then_score_checkpoint_and_curves(run: Run) -> None:
    assert run.printed.count("validation, tag by tag, at threshold 0.2") == 1
    gain, score, checkpoint, curves = [line for line in run.printed.splitlines() if line][-4:]
    assert re.fullmatch(GAIN + r"\d\.\d{4} with one for each tag\.", gain)
    assert re.fullmatch(r"score: val/f2 \d\.\d{4}", score)
    assert checkpoint == f"checkpoint: {run.best}"
    assert curves.endswith(f"tensorboard --logdir {run.folder.parent}")


def test_the_checkpoint_holds_tags_and_chosen_thresholds(run: Run) -> None:
    hparams = torch.load(run.best, weights_only=True)["hyper_parameters"]
    assert (hparams["num_labels"], hparams["tags"], hparams["encoder_weights"]) == (17, list(PLANET_TAGS), None)
    fixed, single, per_tag = thresholds(run)
    assert (fixed == torch.tensor(0.2)).all()
    assert (single == single[0]).all()
    assert ((per_tag >= 0.01 - 1e-6) & (per_tag < 1)).all()
    assert (single != fixed).any() or (per_tag != single).any()


@pytest.mark.parametrize(
    ("subcommand", "split", "title"), [("validate", "val", "validation"), ("test", "test", "test")]
)
def test_scoring_repeats_the_best_score_with_one_table_and_leaves_the_thresholds(
    run: Run, subcommand: str, split: str, title: str
) -> None:
    printed = run.call(subcommand)
    found = re.search(rf"{split}/f2 +│ +([\d.]+)", printed)
    assert found is not None
    assert float(found[1]) == pytest.approx(run.score, abs=1e-4)
    assert printed.count(f"{title}, tag by tag, at threshold 0.2") == 1
    assert len(re.findall(GAIN, printed)) == 1


def test_predict_writes_the_competitions_table_and_all_probabilities_beside_the_checkpoint(run: Run) -> None:
    printed = run.call("predict")
    folder = run.folder / "predictions"
    assert f"tags: {folder / 'tags.csv'}\nprobabilities: {folder / 'probabilities.csv'}\n" in printed
    assert (folder / "tags.csv").read_text().startswith("image_name,tags\n")
    tags, probabilities = table(folder / "tags.csv"), table(folder / "probabilities.csv")
    names = [row["image_name"] for row in tags]
    assert names == [f"train_{number}" for number in (2, 4, 10, 11, 21, 26)]
    assert [row["image_name"] for row in probabilities] == names
    assert list(probabilities[0]) == ["image_name", *PLANET_TAGS]
    assert_tags_follow(tags, probabilities, thresholds(run)[0])


def assert_tags_follow(tags: list[dict[str, str]], probabilities: list[dict[str, str]], limits: torch.Tensor) -> None:
    for given, row in zip(tags, probabilities, strict=True):
        values = {tag: float(row[tag]) for tag in PLANET_TAGS}
        assert all(0 <= value <= 1 for value in values.values())
        for tag, limit in zip(PLANET_TAGS, limits.tolist(), strict=True):
            if abs(values[tag] - limit) > 1e-4:  # they are rounded
                assert (tag in given["tags"].split(" ")) == (values[tag] > limit)


@pytest.mark.parametrize(("choice", "row"), [("single", 1), ("per_tag", 2)])
def test_predict_takes_chosen_thresholds_on_request_for_a_folder_without_a_table(
    run: Run, tmp_path: Path, choice: str, row: int
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        Image.new("RGB", (30 + number, 40), (60 * number, 90, 30)).save(tmp_path / "in" / f"new_{number}.jpg")
    out = tmp_path / "out"
    run.predict(tmp_path / "in", out, "--predictions.thresholds", choice)
    tags = table(out / "tags.csv")
    assert [line["image_name"] for line in tags] == ["new_0", "new_1", "new_2"]
    assert_tags_follow(tags, table(out / "probabilities.csv"), thresholds(run)[row])
    assert sorted(path.name for path in out.iterdir()) == ["probabilities.csv", "tags.csv"]


MISTAKES = {
    "no table": (["--data.table", "x.csv"], r"\S+/x\.csv: no such file; expected a table with the columns image_.*"),
    "no folder": (["--data.folder", "x"], r"planet: 30 of 30 tiles do not exist; the first is \S+/x/train_0\.jpg\."),
    "no column": (["--data.tag_column", "x"], r"\S+/train_v2\.csv: expected a column 'x', got image_\S+ tags\."),
    "fraction": (["--data.valid_fraction", "2"], r"valid_fraction: expected a fraction between 0 and 1, got 2\.0\."),
    "channels": (["--data.channels", "5"], r"data\.channels: expected one of 3, 4, got 5\."),
    "more bands than the model": (
        ["--data.channels", "4"],
        r"in_channels: the model or its checkpoint has 3, the data 4; pass `--model\.in_channels 4`, or .*",
    ),
    "no fourth band": (
        ["--data.channels", "4", "--model.in_channels", "4"],
        r"\S+/train_\d+\.jpg: expected 4 channels of 8 bits \(RGB and one more\), got 3 of 8 bits; .*",
    ),
    "labels": (["--model.num_labels", "5"], r"num_labels: the model or its checkpoint has 5, the data 17; .*"),
    "weights": (["--model.tag_weights", "[1, 2]"], r"tag_weights: expected 17 numbers \(num_labels\), got 2\."),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_in_one_line_and_leaves_no_run(drawn_tiles: Path, tmp_path: Path, mistake: str) -> None:
    more, words = MISTAKES[mistake]
    fails(["fit", *config_args("planet", drawn_tiles), *runs_in(tmp_path / "runs"), *more], words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("choice", "tags"), [("fixed", ["a b", "b"]), ("single", ["a b", ""]), ("per_tag", ["a b c", "c"])]
)
def test_tags_follow_the_thresholds_asked_for(tmp_path: Path, choice: str, tags: list[str]) -> None:
    rows = {"fixed": [0.2] * 3, "single": [0.4] * 3, "per_tag": [0.6, 0.5, 0.1]}
    module: Any = SimpleNamespace(tags=["a", "b", "c"], thresholds_by=lambda name: torch.tensor(rows[name]))
    trainer: Any = SimpleNamespace(world_size=1, is_global_zero=True)
    writer = TagWriter(str(tmp_path), choice)
    writer.on_predict_start(trainer, module)
    for name, probabilities in {"x.one.jpg": [0.8, 0.7, 0.15], "y.png": [0.1, 0.3, 0.19]}.items():
        batch = {"path": [f"/far/{name}"]}
        writer.write_on_batch_end(trainer, module, torch.tensor([probabilities]), None, batch, 0, 0)
    writer.on_predict_end(trainer, module)
    assert table(tmp_path / "tags.csv") == [
        {"image_name": name, "tags": of_one} for name, of_one in zip(["x.one", "y"], tags, strict=True)
    ]
    assert table(tmp_path / "probabilities.csv")[1] == {"image_name": "y", "a": "0.1000", "b": "0.3000", "c": "0.1900"}
