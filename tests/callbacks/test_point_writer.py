"""`triptych` on BIWI from fit to points and pictures."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import panels
import pytest
import torch
from command_line import HELD_OUT, QUIET, Run, config_args, fails, finished_fit, runs_in, table
from PIL import Image
from points_files import NAMES, write_faces
from small_fit import TINY

from triptych import BIWIDataModule, PointRegressor, PointsDataModule
from triptych.callbacks import PointWriter
from triptych.draw.points import PREDICTED, TRUE

pytestmark = QUIET


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, drawn_portraits: Path) -> Run:
    return finished_fit("biwi", drawn_portraits, tmp_path_factory.mktemp("runs"))


def colors(path: Path) -> set[tuple[int, ...]]:
    with Image.open(path) as picture:
        return {color for _, color in picture.getcolors(1 << 20)}


def test_fit_closes_with_its_error_in_pixels_and_where_to_look(run: Run) -> None:
    score, checkpoint, curves = run.printed.splitlines()[-3:]
    assert score == f"score: val/error_px {run.score:.4f} (persons 02, 13, 10 frames)"
    assert checkpoint == f"checkpoint: {run.best}"
    assert re.fullmatch(rf"curves: \S*tensorboard --logdir {run.folder.parent}", curves)
    assert re.search(r"val/error_px: \d+\.\d{3}; ", run.printed)


@pytest.mark.parametrize(("subcommand", "split"), [("validate", "val"), ("test", "test")])
def test_scoring_the_best_checkpoint_repeats_its_score(run: Run, subcommand: str, split: str) -> None:
    printed = run.call(subcommand)
    for name in ("error_px", "loss", "mse", "within_5px", "within_10px"):
        assert re.search(rf"{split}/{name} +│ +[\d.]+", printed), name
    *_, found = re.findall(rf"{split}/error_px +│ +([\d.]+)", printed)
    assert float(found) == pytest.approx(run.score, abs=1e-4)
    assert f"{split} (persons 02, 13, 10 frames)" in printed
    assert "10 frames of 2 persons; neighbours are alike" in " ".join(printed.split())


def test_predict_writes_a_table_and_a_picture_of_each_held_out_frame(run: Run) -> None:
    printed = run.call("predict")
    folder = run.folder / "predictions"
    assert f"pictures: {folder / 'pictures'}\npoints: {folder / 'points.csv'}\n" in printed
    assert f"score: val/error_px {run.score:.4f}" in printed

    rows, expected = table(folder / "points.csv"), predicted_by_hand(run)
    assert [row["path"] for row in rows] == [path for path, _ in expected]
    points = [(float(row["y_px"]), float(row["x_px"])) for row in rows]
    np.testing.assert_allclose(points, [point for _, point in expected], atol=0.006)

    pictures = sorted((folder / "pictures").rglob("*.png"))
    assert {path.parent.name for path in pictures} == {*HELD_OUT}
    assert len(pictures) == len(rows) == 10
    for path in pictures:
        with Image.open(path) as drawn, Image.open(rows[0]["path"]) as frame:
            assert drawn.size == frame.size
        assert {PREDICTED, TRUE} <= colors(path)


def predicted_by_hand(run: Run) -> list[tuple[str, tuple[float, float]]]:
    """Path and predicted point (y, x) in pixels of each held-out frame, computed from the network's output."""
    data = BIWIDataModule(str(run.root), image_size=(48, 64), batch_size=4, valid_person=HELD_OUT)
    data.setup("validate")
    model, found = PointRegressor.load_from_checkpoint(run.best, map_location="cpu").eval(), []
    for batch in data.val_dataloader():
        with torch.no_grad():
            fractions = (model(batch["image"])[:, 0] + 1) / 2
        for path, (y, x), (height, width) in zip(
            batch["path"], fractions.tolist(), batch["size"].tolist(), strict=True
        ):
            found.append((path, (y * height, x * width)))
    return found


def test_predict_takes_pictures_of_ones_own_without_the_data(run: Run, tmp_path: Path) -> None:
    sizes = {"a.jpg": (90, 70), "b.png": (320, 240)}
    (tmp_path / "in").mkdir()
    for name, size in sizes.items():
        Image.new("RGB", size, (90, 80, 70)).save(tmp_path / "in" / name)
    for source, names in ((tmp_path / "in", ["a.jpg", "b.png"]), (tmp_path / "in" / "a.jpg", ["a.jpg"])):
        out = tmp_path / f"out of {len(names)}"
        run.predict(source, out)
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
    module: Any = PointRegressor(num_points=2, **TINY)
    writer.on_predict_start(trainer, module)
    prediction = torch.tensor([[[40.0, 150.126], [88.0, 20.0]]])
    writer.write_on_batch_end(trainer, module, prediction, None, batch, 0, 0)
    writer.on_predict_end(trainer, module)
    lines = (tmp_path / "out" / "points.csv").read_text().splitlines()
    rows = [f"{frame},point 1,40.00,150.13", f"{frame},point 2,88.00,20.00"]
    assert lines == ["path,name,y_px,x_px", *rows]
    with Image.open(tmp_path / "out" / "pictures" / "x.png") as picture:
        drawn = np.array(picture)
    for y, x in ((40, 150), (88, 20)):
        assert tuple(drawn[y, x]) == PREDICTED
    for y, x in ((50, 100), (75, 150)):
        assert tuple(drawn[y, x]) == (120, 120, 120)
        assert (drawn[y - 8 : y + 9, x - 8 : x + 9] == TRUE).all(axis=2).sum() > 8


def test_a_prediction_that_was_corrected_by_hand_is_training_data(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames are named by a path relative to the current folder, and read from another one."""
    monkeypatch.chdir(run.root.parent)
    run.predict(Path(run.root.name) / "02", tmp_path / "out")
    path = tmp_path / "out" / "points.csv"
    rows = table(path)
    path.write_text(path.read_text().replace(f"{rows[1]['y_px']},{rows[1]['x_px']}", "12.5,30.25"))
    monkeypatch.chdir(tmp_path)
    data = PointsDataModule(str(run.root), (48, 64), batch_size=2, table=str(path))
    data.setup("fit")
    images = data.images
    assert images.names == [f"02/{Path(row['path']).name}" for row in rows]
    expected = [[float(row["x_px"]), float(row["y_px"])] for row in rows]
    expected[1] = [30.25, 12.5]
    np.testing.assert_array_equal(images.points_px[:, 0], expected)
    assert data.metadata == {"num_points": 1}


@pytest.mark.filterwarnings(*panels.QUIET)
def test_named_points_come_back_in_the_models_order(tmp_path: Path) -> None:
    write_faces(tmp_path / "data", count=3, missing=0.3, seed=2)
    names = NAMES[::-1]
    data = PointsDataModule(str(tmp_path / "data"), (48, 64), point_names=names, valid_fraction=0.99)
    model, writer = PointRegressor(point_names=names, **TINY), PointWriter(str(tmp_path / "out"))
    L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, callbacks=[writer]).predict(model, data)
    again = PointsDataModule(str(tmp_path), table="out/points.csv", valid_fraction=0.5)
    again.setup("validate")
    assert again.metadata == {"num_points": 5, "point_names": names}
    for image, place in zip(again.images.paths, again.images.points_px, strict=True):
        np.testing.assert_allclose(place, model.predict(image)[:, ::-1], atol=0.02)
        assert TRUE in colors(tmp_path / "out" / "pictures" / f"{image.stem}.png")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("--data.root", "/nowhere", r"/nowhere: no such folder; expected a folder for each person in it .*"),
        ("--data.valid_person", "99", r"valid_person: \S+ has no '99'; there are 01, 02, .*\."),
        ("--data.train_persons", "['02']", r"biwi: person '02' is in train_persons and in valid_person; .*"),
        ("--data.outside", "clip", r"data\.outside: expected one of 'drop', 'keep', got clip\."),
        ("--model.num_points", "3", r"num_points: the model or its checkpoint has 3, the data 1; .*"),
    ],
)
def test_a_mistake_is_reported_in_one_line_and_leaves_no_run(
    drawn_portraits: Path, tmp_path: Path, key: str, value: str, words: str
) -> None:
    fails(["fit", *config_args("biwi", drawn_portraits), *runs_in(tmp_path / "runs"), key, value], words)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_pose_is_reported_in_one_line(drawn_portraits: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn_portraits, tmp_path / "data")
    (tmp_path / "data" / "03" / "frame_00004_pose.txt").write_text("1 0 0\n")
    words = r"\S+/03/frame_00004_pose\.txt: expected at least 12 .*, got 3\."
    fails(["fit", *config_args("biwi", tmp_path / "data")], words)
