"""The data module for a table of points: its split, what it tells, and a fit on points of which some are missing."""

import re
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from biwi_files import write_person
from panels import QUIET
from points_files import NAMES, PAIRS, write_faces, write_table
from small_fit import TINY

from triptych import BIWIDataModule, PointRegressor, PointsDataModule
from triptych.datamodules import points as module_of_points
from triptych.errors import BadSampleError

SIZE = (48, 64)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that the data module tells."""
    lines: list[str] = []
    monkeypatch.setattr(module_of_points, "rank_zero_info", lines.append)
    return lines


def module(root: Path, *stages: str, **arguments: Any) -> PointsDataModule:
    data = PointsDataModule(str(root), **{"image_size": SIZE, "batch_size": 4, "flip_pairs": PAIRS, **arguments})
    for stage in stages:
        data.setup(stage)
    return data


def test_each_image_is_in_one_split_and_the_seed_says_in_which(drawn_points: Path) -> None:
    data, again, other = (module(drawn_points, "fit", seed=seed) for seed in (0, 0, 1))
    train, valid = (data.records[name].names for name in ("train", "val"))
    assert (len(train), len(valid)) == (11, 3)
    assert sorted(train + valid) == sorted(data.images.names)
    assert again.records["val"].names == valid != other.records["val"].names
    assert [str(path) for path in data.train_paths()] == [str(drawn_points / name) for name in train]


def test_number_and_names_are_known_once_the_table_is_read(drawn_points: Path, drawn_portraits: Path) -> None:
    data = module(drawn_points)
    assert data.metadata == {}
    data.setup("validate")
    pairs = {tuple(data.images.labels[index] for index in pair) for pair in data.metadata["flip_pairs"]}
    assert pairs == {tuple(pair) for pair in PAIRS}
    named = module(drawn_points, "validate", point_names=NAMES, flip_pairs=None)
    assert named.metadata == {"num_points": 5, "point_names": NAMES}


def test_a_table_of_biwis_centres_gives_the_samples_of_biwi_bit_for_bit(tmp_path: Path) -> None:
    for person in ("01", "13"):
        write_person(tmp_path / person, [(20.0, 30.5), (40.25, 11.0), (60.75, 5.0)])
    biwi = BIWIDataModule(str(tmp_path), SIZE, batch_size=2)
    biwi.setup("fit")
    frames: Any = biwi.records["train"]
    rows = [(path, y, x) for path, (x, y) in zip(frames.paths, frames.points_px, strict=True)]
    write_table(tmp_path / "points.csv", rows, "path,y_px,x_px")
    ours = module(tmp_path, "fit", flip_pairs=None, batch_size=2)
    ours.records["train"] = ours.images
    batches = zip(biwi.train_dataloader(), ours.train_dataloader(), strict=True)
    for one, other in batches:
        assert one.keys() == other.keys() and one["path"] == other["path"]
        assert all(torch.equal(one[key], other[key]) for key in ("image", "point", "size", "only_resized"))


def test_a_missing_point_is_nan_in_a_sample_and_all_others_lie_inside(drawn_points: Path) -> None:
    data = module(drawn_points, "fit")
    points = torch.cat([batch["point"] for batch in data.train_dataloader()])
    missing = np.isnan(data.records["train"].points_px).any(axis=2)
    assert (points.dtype, points.shape) == (torch.float32, (11, 5, 2))
    assert points.isnan().all(dim=-1).sum() == points.isnan().any(dim=-1).sum() == missing.sum() > 0
    assert points[~points.isnan()].abs().max() <= 1


def test_what_is_missing_is_told_in_one_line_once(tmp_path: Path, said: list[str]) -> None:
    write_faces(tmp_path, missing=0.3)
    data = module(tmp_path, "fit", "validate", "fit")
    (line,) = said
    missing = int(np.isnan(data.images.points_px).any(axis=2).sum())
    assert line.startswith(f"points: {missing} of 60 points are missing, in ")
    assert line.endswith("; they have no loss and no score.")


def test_images_of_several_points_are_not_mirrored_unless_the_pairs_are_said(tmp_path: Path, said: list[str]) -> None:
    write_faces(tmp_path)
    for flip_pairs, told, symmetries in ((None, 1, "none"), ([], 0, "mirror"), (PAIRS, 0, "mirror")):
        said.clear()
        geometry = module(tmp_path, "fit", flip_pairs=flip_pairs).train_pipeline().transforms[0]
        assert (geometry.symmetries, len(said)) == (symmetries, told)
    assert geometry.flip_pairs == [(0, 1), (3, 4)]
    data = module(tmp_path, "fit", flip_pairs=None)
    assert said == []
    for _ in range(2):
        data.train_dataloader()
    assert said == [
        "points: no training image is mirrored, as flip_pairs does not say which points then change places, such as a "
        "left and a right eye; [] if none do."
    ]
    alone = module(tmp_path, "fit", flip_pairs=None, point_names=["nose"])
    assert alone.train_pipeline().transforms[0].symmetries == "mirror"


@pytest.mark.parametrize(
    ("flip_pairs", "words"),
    [
        (
            [["left_eye", "ear"]],
            "flip_pairs: expected names of points, or indices below 5, got 'ear'; there are left",
        ),
        ([[0, 5]], "flip_pairs: expected names of points, or indices below 5, got 5;"),
        ([["nose", "nose"]], "flip_pairs: expected pairs of two points, each in one pair, .*, got .'nose', 'nose'.\\."),
        ([[0, 1], [1, 2]], "flip_pairs: expected pairs of two points, each in one pair, .*, got .1, 2.\\."),
        ([["nose"]], "flip_pairs: expected pairs of two points"),
    ],
)
def test_wrong_pairs_are_refused_when_the_table_is_read(tmp_path: Path, flip_pairs: Any, words: str) -> None:
    write_faces(tmp_path, count=3)
    with pytest.raises(ValueError, match=words):
        module(tmp_path, "validate", flip_pairs=flip_pairs)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"valid_fraction": 1}, "valid_fraction: expected a fraction between 0 and 1, got 1."),
        ({"download": True}, "download: expected false, as no copy of your own images can be fetched, got true."),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        module(tmp_path, **arguments)


def test_a_folder_or_a_column_of_the_table_holds_images_out(tmp_path: Path) -> None:
    write_faces(tmp_path, count=6)
    rows = [line.split(",") for line in (tmp_path / "points.csv").read_text().splitlines()]
    table = [",".join([*row, str(row[0] in ("a/000.png", "b/003.png"))]) for row in rows[1:]]
    (tmp_path / "split.csv").write_text("\n".join([",".join([*rows[0], "is_valid"]), *table]))

    by_folder = module(tmp_path, "fit", valid_groups="b", group="^([^/]+)/")
    by_column = module(tmp_path, "fit", table="split.csv", valid_column="is_valid")
    assert by_folder.records["val"].names == ["b/001.png", "b/003.png", "b/005.png"]
    assert by_column.records["val"].names == ["a/000.png", "b/003.png"]
    assert by_column.records["train"].names == ["b/001.png", "a/002.png", "a/004.png", "b/005.png"]

    (tmp_path / "split.csv").write_text("\n".join([",".join([*rows[0], "is_valid"]), *table]) + "x")
    with pytest.raises(BadSampleError, match=r"split\.csv: line 31: expected one value for each image in column"):
        module(tmp_path, "fit", table="split.csv", valid_column="is_valid")


def test_one_image_cannot_be_split(tmp_path: Path) -> None:
    write_faces(tmp_path, count=1)
    with pytest.raises(ValueError, match="valid_fraction: expected at least 2 samples to hold one out, got 1"):
        module(tmp_path, "fit")


def test_only_known_points_have_a_ring(drawn_points: Path, check_whole) -> None:
    data = module(drawn_points, "fit")
    batch = next(iter(data.train_dataloader()))
    figure = data.show_batch(rows=1, columns=4)
    check_whole(figure)
    for axes, points in zip(figure.axes, batch["point"], strict=True):
        (rings,) = axes.lines
        expected = [((x + 1) / 2 * 64, (y + 1) / 2 * 48) for y, x in points.tolist()]
        np.testing.assert_allclose(rings.get_xydata(), expected, rtol=1e-5)  # NaN is drawn nowhere


@pytest.mark.filterwarnings(*QUIET)
def test_a_fit_learns_five_points_of_which_some_are_missing(tmp_path: Path) -> None:
    write_faces(tmp_path, count=16, missing=0.3)
    L.seed_everything(0, verbose=False)
    data, model = module(tmp_path, augment=False), PointRegressor(max_lr=1e-2, **TINY)
    settings: dict[str, Any] = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
    L.Trainer(max_epochs=10, limit_val_batches=0, **settings, **quiet).fit(model, data)
    scoring = L.Trainer(**settings, **quiet)
    (after,) = scoring.validate(model, data.train_dataloader(), verbose=False)
    (before,) = scoring.validate(PointRegressor(5, **TINY), data.train_dataloader(), verbose=False)
    assert after["val/error_px"] < 0.6 * before["val/error_px"]
    assert all(weight.isfinite().all() for weight in model.state_dict().values())


def test_a_point_that_no_image_has_is_refused(tmp_path: Path) -> None:
    write_faces(tmp_path, count=6)
    table = (tmp_path / "points.csv").read_text() + "a/000.png,ear,,\na/002.png,ear,-3,-3\n"
    (tmp_path / "points.csv").write_text(table)
    message = "expected each point in some image, got 'ear' in none; correct its rows, or leave it out of point_names"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(BadSampleError, match=message):
            PointsDataModule(str(tmp_path)).setup("fit")
        PointsDataModule(str(tmp_path), point_names=["nose"]).setup("fit")


@pytest.mark.parametrize(("first", "lines"), [(0, 0), (1, 1)])
def test_numbers_that_are_names_and_other_indices_are_said_to_be_names(
    tmp_path: Path, said: list[str], first: int, lines: int
) -> None:
    write_faces(tmp_path, count=6)
    table = (tmp_path / "points.csv").read_text()
    for number, name in enumerate(NAMES, start=first):
        table = table.replace(f",{name},", f",{number},")
    (tmp_path / "points.csv").write_text(table)
    PointsDataModule(str(tmp_path), flip_pairs=[[2, 3]]).setup("fit")
    told = [line for line in said if "is the one named '2' and not the one at index 2" in line]
    assert len(told) == lines
