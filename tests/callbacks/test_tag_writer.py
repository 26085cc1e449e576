"""`triptych` on Planet from fit to the competition's table."""

import csv
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from command_line import QUIET, Run, config_args, fails, finished_fit, runs_in, table
from PIL import Image

from triptych import PlanetDataModule
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
    assert re.fullmatch(r"score: val/f2 \d\.\d{4} \(valid_fraction 0\.2, seed 0, 6 tiles\)", score)
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
    "no folder": (
        ["--data.folder", "x"],
        r"planet: 30 of 30 tiles do not exist; the first is \S+/x/train_0\.jpg; set folder to 'train-jpg', where .*",
    ),
    "no column": (
        ["--data.tag_column", "x"],
        r"\S+/train_v2\.csv: expected a column 'x', got image_\S+ tags; set tag_.*",
    ),
    "fraction": (["--data.valid_fraction", "2"], r"valid_fraction: expected a fraction between 0 and 1, got 2\.0\."),
    "channels": (["--data.channels", "5"], r"data\.channels: expected one of 3, 4, got 5\."),
    "more bands than the model": (
        ["--data.channels", "4"],
        r"in_channels: the model or its checkpoint has 3, the data 4; pass `--model\.in_channels 4`, or .*",
    ),
    "no fourth band": (
        ["--data.channels", "4", "--model.in_channels", "4"],
        r"\S+/train_\d+\.jpg: expected 4 channels \(RGB and one more\), got 3 bands of 8 bits \(RGB\); .*",
    ),
    "labels": (["--model.num_labels", "5"], r"num_labels: the model or its checkpoint has 5, the data 17; .*"),
    "weights": (["--model.tag_weights", "[1, 2]"], r"tag_weights: expected 17 numbers \(num_labels\), got 2\."),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_in_one_line_and_leaves_no_run(drawn_tiles: Path, tmp_path: Path, mistake: str) -> None:
    more, words = MISTAKES[mistake]
    fails(["fit", *config_args("planet", drawn_tiles), *runs_in(tmp_path / "runs"), *more], words)
    assert list(tmp_path.iterdir()) == []


class Predicted(NamedTuple):
    """The folder that a `TagWriter` wrote, and the tags that it was given, by path."""

    folder: Path
    tags_of: dict[str, list[str]]


def predicted(folder: Path, tags: list[str], paths: list[str], data: PlanetDataModule | None = None) -> Predicted:
    """Random tags written for images, none for the first; the last image comes twice, as processes repeat one."""
    module: Any = SimpleNamespace(tags=tags, thresholds_by=lambda _: torch.full((len(tags),), 0.5))
    trainer: Any = SimpleNamespace(world_size=1, is_global_zero=True, datamodule=data)
    probabilities = torch.rand(len(paths), len(tags), generator=torch.Generator().manual_seed(0))
    probabilities[0] = 0
    writer = TagWriter(str(folder))
    writer.on_predict_start(trainer, module)
    for rows in (slice(None, 3), slice(3, None), slice(-1, None)):
        batch = {"path": paths[rows]}
        writer.write_on_batch_end(trainer, module, probabilities[rows], None, batch, 0, 0)
    writer.on_predict_end(trainer, module)
    chosen = [[tag for tag, value in zip(tags, row, strict=True) if value > 0.5] for row in probabilities.tolist()]
    return Predicted(folder, dict(zip(paths, chosen, strict=True)))


ONE_WORD, TWO_WORDS = ["clear", "haze", "road", "water"], ["bare ground", "clear", "new road, paved", "slash burn"]
FORMS: dict[str, tuple[str, list[str], dict[str, str]]] = {
    "the competition's": ("image_name,tags\n{}", ONE_WORD, {}),
    "tags of two words": ("image_name,tags\n{}", TWO_WORDS, {"delimiter": "|"}),
    "semicolons": ("image_name;tags\n{}", ["a, b", "c d"], {"delimiter": ";"}),
    "own headings": ("what\tfile\n{}", ONE_WORD, {"tag_column": "what", "name_column": "file", "delimiter": ", "}),
    "columns of 0 and 1": ("", TWO_WORDS, {}),
}


def written_table(root: Path, form: str, names: list[str]) -> dict[str, Any]:
    """Writes a table in which each tile has one tag or two; returns the arguments that read it."""
    header, tags, arguments = FORMS[form]
    separator = next((one for one in ";\t" if one in header), ",")
    if not header:
        rows = [[name, *(str(int(tag == tags[i % len(tags)])) for tag in tags)] for i, name in enumerate(names)]
        rows = [["image_name", *tags], *rows]
    else:
        joined = arguments.get("delimiter", " ").join(tags[:2])
        cells = [{"name": name, "tag": [joined, *tags][i % (1 + len(tags))]} for i, name in enumerate(names)]
        order = ["tag", "name"] if header.startswith("what") else ["name", "tag"]
        rows = [header.removesuffix("\n{}").split(separator), *([one[key] for key in order] for one in cells)]
    with (root / "train_v2.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return {"tags": "table", **arguments}


def labels_of(data: PlanetDataModule) -> dict[str, list[str]]:
    """The tags that the labels of each tile say, by its name in the table."""
    tiles = data.tiles
    return {
        name: [tag for tag, label in zip(tiles.tags, tiles[i]["labels"], strict=True) if label]
        for i, name in enumerate(tiles.names)
    }


@pytest.mark.parametrize("form", FORMS)
def test_predicted_tags_are_a_table_that_the_same_data_module_reads(tmp_path: Path, form: str) -> None:
    names = ["t0", "t1.jpg", "a/t0", "b/t0.png", "train-jpg/t2.jpg", "t3", "t4", "t5", "t6", "t7"]
    for name in names:
        path = tmp_path / "train-jpg" / name.removeprefix("train-jpg/")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path if path.suffix else path.with_suffix(".jpg"))
    arguments = written_table(tmp_path, form, names)
    data = PlanetDataModule(str(tmp_path), (8, 8), valid_fraction=0.9, **arguments)
    data.setup("predict")
    records: Any = data.records["predict"]
    written = predicted(
        tmp_path / "out", data.metadata["tags"], [records[i]["path"] for i in range(len(records))], data
    )
    shutil.copy(written.folder / "tags.csv", tmp_path / "predicted.csv")
    again = PlanetDataModule(
        str(tmp_path), (8, 8), table="predicted.csv", **{**arguments, "tags": data.metadata["tags"]}
    )
    again.setup("fit")
    expected = {name: written.tags_of[str(data.tiles.path(name))] for name in records.names}
    assert labels_of(again) == expected
    assert again.form == data.form
    assert [row[data.form.name_column] for row in table(written.folder / "probabilities.csv")] == records.names


def test_tags_of_other_images_are_a_table_of_their_folder(tmp_path: Path) -> None:
    paths = [tmp_path / "in" / name for name in ("x.jpg", "a/x.jpg", "b/x.jpg", "x.png", "b/Y.JPG", "z.one.jpg")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    (tmp_path / "in" / "list.txt").write_text("\n".join(path.relative_to(tmp_path / "in").as_posix() for path in paths))
    picture_list = str(tmp_path / "in" / "list.txt")
    data = PlanetDataModule(str(tmp_path / "absent"), (8, 8), predict_path=picture_list, name_column="file")
    data.setup("predict")
    written = predicted(tmp_path / "in", ONE_WORD, [str(path) for path in paths], data)
    names = [row["file"] for row in table(written.folder / "tags.csv")]
    assert names == ["x", "a/x", "b/x", "x.png", "b/Y.JPG", "z.one"]
    again = PlanetDataModule(str(tmp_path), (8, 8), table="in/tags.csv", folder="in", name_column="file", tags=ONE_WORD)
    again.setup("fit")
    assert labels_of(again) == {name: written.tags_of[str(path)] for name, path in zip(names, paths, strict=True)}


def test_images_of_other_data_have_names_of_their_own(tmp_path: Path) -> None:
    cases = {
        ("/far/x.one.jpg", "/far/y.png"): ["x.one", "y"],
        ("/far/x.jpg", "/far/x.png"): ["x.jpg", "x.png"],
        ("/far/x.jpg", "/away/x.jpg"): ["/far/x.jpg", "/away/x.jpg"],
    }
    for number, (paths, names) in enumerate(cases.items()):
        written = predicted(tmp_path / str(number), ONE_WORD, [*paths])
        assert [row["image_name"] for row in table(written.folder / "tags.csv")] == names
        assert [row["image_name"] for row in table(written.folder / "probabilities.csv")] == names


def test_tags_that_hold_the_delimiter_are_joined_by_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "lightning.pytorch.utilities.rank_zero"):
        written = predicted(tmp_path, ["slash burn", "clear"], [f"/far/{number}.jpg" for number in range(9)])
    joined = [",".join(tags) for tags in written.tags_of.values()]
    assert [row["tags"] for row in table(tmp_path / "tags.csv")] == joined
    assert "slash burn,clear" in joined
    assert "tags.csv: ',' is between two tags, since ' ' is within some." in caplog.messages


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
