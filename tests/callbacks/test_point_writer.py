"""`triptych` on BIWI from fit to points and pictures."""

import contextlib
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from triptych import BIWIDataModule, PointRegressor
from triptych.callbacks import PointWriter
from triptych.cli import main
from triptych.show.points import PREDICTED, TRUE

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:lightning.pytorch.cli",  # it calls jsonargparse by an older name
    "ignore::DeprecationWarning:jsonargparse",
)

CONFIG = Path(__file__).parents[2] / "configs" / "biwi.yaml"
HELD_OUT = ["02", "13"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def config_args(root: Path) -> list[str]:
    """The configuration, cut down to seconds."""
    small = {"root": root, "image_size": "[48, 64]", "batch_size": "3", "num_workers": "0", "valid_person": HELD_OUT}
    fast = {"max_epochs": "1", "precision": "32-true", "accelerator": "cpu"}
    args = [("data", *item) for item in small.items()] + [("trainer", *item) for item in fast.items()]
    return ["--config", str(CONFIG), *(word for part, key, value in args for word in (f"--{part}.{key}", str(value)))]


def printed_by(args: list[str]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main(args)
    return out.getvalue()


class Run(NamedTuple):
    """A finished fit: its folder, what it printed, and the data."""

    folder: Path
    printed: str
    root: Path

    @property
    def best(self) -> Path:
        return self.folder / "checkpoints" / "best.ckpt"

    def call(self, subcommand: str, *more: str) -> str:
        """What a later subcommand prints when it starts from the best checkpoint."""
        return printed_by([subcommand, *config_args(self.root), "--ckpt_path", str(self.best), *more])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, drawn_portraits: Path) -> Run:
    runs = tmp_path_factory.mktemp("runs")
    logger = "--trainer.logger.init_args"
    args = ["fit", *config_args(drawn_portraits), f"{logger}.save_dir", str(runs), f"{logger}.version", "first"]
    return Run(runs / "biwi" / "first", printed_by(args), drawn_portraits)


def score_of(run: Run) -> float:
    found = re.search(r"^score: val/error_px (\d+\.\d{4})$", run.printed, re.MULTILINE)
    assert found is not None
    return float(found[1])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def colors(path: Path) -> set[tuple[int, ...]]:
    with Image.open(path) as picture:
        return {color for _, color in picture.getcolors(1 << 20)}


def test_fit_closes_with_its_error_in_pixels_and_where_to_look(run: Run) -> None:
    score, checkpoint, curves = run.printed.splitlines()[-3:]
    assert score == f"score: val/error_px {score_of(run):.4f}"
    assert checkpoint == f"checkpoint: {run.best}"
    assert re.fullmatch(rf"curves: \S*tensorboard --logdir {run.folder.parent}", curves)
    assert re.search(r"val/error_px: \d+\.\d{3}\n", run.printed)


@pytest.mark.parametrize(("subcommand", "split"), [("validate", "val"), ("test", "test")])
def test_scoring_the_best_checkpoint_repeats_its_score(run: Run, subcommand: str, split: str) -> None:
    printed = run.call(subcommand)
    for name in ("error_px", "loss", "mse", "within_5px", "within_10px"):
        assert re.search(rf"{split}/{name} +│ +[\d.]+", printed), name
    found = re.search(rf"{split}/error_px +│ +([\d.]+)", printed)
    assert found is not None
    assert float(found[1]) == pytest.approx(score_of(run), abs=1e-4)


def test_predict_writes_a_table_and_a_picture_of_each_held_out_frame(run: Run) -> None:
    printed = run.call("predict")
    folder = run.folder / "predictions"
    assert f"pictures: {folder / 'pictures'}\npoints: {folder / 'points.csv'}\n" in printed
    assert f"score: val/error_px {score_of(run):.4f}" in printed

    rows, expected = table(folder / "points.csv"), predicted_by_hand(run)
    assert [row["path"] for row in rows] == [path for path, _ in expected]
    points = [(float(row["y_px"]), float(row["x_px"])) for row in rows]
    np.testing.assert_allclose(points, [point for _, point in expected], atol=0.006)

    pictures = sorted((folder / "pictures").iterdir())
    assert len(pictures) == len(rows) == 10
    for path in pictures:
        with Image.open(path) as drawn, Image.open(rows[0]["path"]) as frame:
            assert drawn.size == frame.size
        assert {PREDICTED, TRUE} <= colors(path)


def predicted_by_hand(run: Run) -> list[tuple[str, tuple[float, float]]]:
    """Path and point (y, x) in pixels of each held-out frame, from the network itself."""
    data = BIWIDataModule(str(run.root), image_size=(48, 64), batch_size=4, valid_person=HELD_OUT)
    data.setup("validate")
    model, found = PointRegressor.load_from_checkpoint(run.best, map_location="cpu").eval(), []
    for batch in data.val_dataloader():
        with torch.no_grad():
            shares = (model(batch["image"])[:, 0] + 1) / 2
        for path, (y, x), (height, width) in zip(batch["path"], shares.tolist(), batch["size"].tolist(), strict=True):
            found.append((path, (y * height, x * width)))
    return found


def test_predict_takes_pictures_of_ones_own_without_the_data(run: Run, tmp_path: Path) -> None:
    sizes = {"a.jpg": (90, 70), "b.png": (320, 240)}
    (tmp_path / "in").mkdir()
    for name, size in sizes.items():
        Image.new("RGB", size, (90, 80, 70)).save(tmp_path / "in" / name)
    for source, names in ((tmp_path / "in", ["a.jpg", "b.png"]), (tmp_path / "in" / "a.jpg", ["a.jpg"])):
        out = tmp_path / f"out of {len(names)}"
        more = ["--data.predict_path", str(source), "--predictions.output_dir", str(out)]
        run._replace(root=tmp_path / "nowhere").call("predict", *more)
        rows = table(out / "points.csv")
        assert [Path(row["path"]).name for row in rows] == names
        assert sorted(path.stem for path in (out / "pictures").iterdir()) == [Path(name).stem for name in names]
        for row in rows:
            name = Path(row["path"]).name
            width, height = sizes[name]
            assert 0 <= float(row["y_px"]) <= height
            assert 0 <= float(row["x_px"]) <= width
            drawn = out / "pictures" / f"{Path(name).stem}.png"
            with Image.open(drawn) as picture:
                assert picture.size == (width, height)
            assert PREDICTED in colors(drawn)
            assert TRUE not in colors(drawn)


def test_each_point_has_a_row_and_the_true_ones_a_ring_where_they_are(tmp_path: Path) -> None:
    frame = tmp_path / "x.png"
    Image.new("RGB", (200, 100), (120, 120, 120)).save(frame)
    batch = {
        "path": [str(frame)],
        "size": torch.tensor([[100, 200]]),
        "point": torch.tensor([[[0.0, 0.0], [0.5, 0.5]]]),
    }
    writer, nothing = PointWriter(str(tmp_path / "out")), SimpleNamespace(world_size=1, is_global_zero=True)
    trainer: Any = nothing
    module: Any = nothing
    writer.on_predict_start(trainer, module)
    prediction = torch.tensor([[[40.0, 150.126], [88.0, 20.0]]])
    writer.write_on_batch_end(trainer, module, prediction, None, batch, 0, 0)
    writer.on_predict_end(trainer, module)
    lines = (tmp_path / "out" / "points.csv").read_text().splitlines()
    assert lines == ["path,y_px,x_px", f"{frame},40.00,150.13", f"{frame},88.00,20.00"]
    with Image.open(tmp_path / "out" / "pictures" / "x.png") as picture:
        drawn = np.array(picture)
    for y, x in ((40, 150), (88, 20)):
        assert tuple(drawn[y, x]) == PREDICTED
    for y, x in ((50, 100), (75, 150)):
        assert tuple(drawn[y, x]) == (120, 120, 120)
        assert (drawn[y - 8 : y + 9, x - 8 : x + 9] == TRUE).all(axis=2).sum() > 8


def fails(args: list[str], words: str) -> None:
    """The command ends in one line on standard error that matches `words`."""
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert re.fullmatch(f"triptych: {words}", str(caught.value.code)), caught.value.code


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("--data.root", "/nowhere", r"/nowhere: no such folder; expected a folder for each person in it .*"),
        ("--data.valid_person", "99", r"valid_person: \S+ has no '99'; there are 01, 02, .*\."),
        ("--data.train_persons", "['02']", r"biwi: person '02' is in train_persons and in valid_person; .*"),
        ("--data.outside", "clip", r"outside: expected \"drop\" or \"keep\", got 'clip'\."),
        ("--model.num_points", "3", r"num_points: the model or its checkpoint has 3, the data 1; .*"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_leaves_no_run(
    drawn_portraits: Path, tmp_path: Path, key: str, value: str, words: str
) -> None:
    runs = ["--trainer.logger.init_args.save_dir", str(tmp_path / "runs")]
    fails(["fit", *config_args(drawn_portraits), *runs, key, value], words)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_pose_is_told_in_one_line(drawn_portraits: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(drawn_portraits, tmp_path / "data")
    (tmp_path / "data" / "03" / "frame_00004_pose.txt").write_text("1 0 0\n")
    fails(["fit", *config_args(tmp_path / "data")], r"\S+/03/frame_00004_pose\.txt: expected at least 12 .*, got 3\.")
