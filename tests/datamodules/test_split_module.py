"""Every data module splits in each way, no sample is in two splits, and one line says what is in them."""

import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import QUIET
from PIL import Image

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule
from triptych.cli.app import Parser
from triptych.datamodules import split_module
from triptych.datamodules.split_module import SplitDataModule
from triptych.errors import BadSampleError, MissingDataError
from triptych.runs.identity import arguments_of, first_difference

MODULES = {"camvid": CamVidDataModule, "biwi": BIWIDataModule, "planet": PlanetDataModule}
FOLDERS = {"camvid": "images", "biwi": "", "planet": "train-jpg"}
STAGES = ("fit", "validate", "test", "predict")
LISTS = {"valid_list": "v.txt", "test_list": "t.txt"}
DRIVE = "^(drive..)_"


@pytest.fixture(params=MODULES)
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(task: str, roots: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the task's made-up data."""
    return Path(shutil.copytree(roots[task], tmp_path / task))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that are said."""
    said: list[str] = []
    monkeypatch.setattr(split_module, "rank_zero_info", said.append)
    monkeypatch.setattr(split_module, "is_info_shown", lambda: True)
    return said


def build(task: str, root: Path, *stages: str, **arguments: Any) -> SplitDataModule:
    """A data module after `setup` of each stage."""
    data = MODULES[task](str(root), image_size=(32, 32), batch_size=2, **arguments)
    for stage in stages:
        data.setup(stage)
    return data


def all_names(task: str, root: Path) -> list[str]:
    """Names of all samples, found in another way than the package does."""
    folder = root / FOLDERS[task]
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.??g") if path.suffix in (".png", ".jpg"))


def names_of(data: SplitDataModule, split: str, task: str) -> list[str]:
    """Names of the samples that the records of a split read."""
    records, folder = data.records[split], data.root / FOLDERS[task]
    return [str(Path(records[index]["path"]).relative_to(folder)) for index in range(len(records))]


def spellings(name: str, folder: Path, root: Path) -> list[str]:
    below = str((folder / name).relative_to(root))
    paths = [f"./{name}", f"../{root.name}/{below}", below, str(folder / name), name.replace("/", "\\")]
    return [name, *paths, name.rpartition(".")[0], f"{name[:-3]}{name[-3:].upper()}", f"/moved/{folder.name}/{name}"]


def test_random_lists_in_random_spellings_give_splits_without_a_common_sample(task: str, root: Path) -> None:
    random_, names = random.Random(1), all_names(task, root)
    for _ in range(5):
        cuts = sorted(random_.sample(range(1, len(names)), 2))
        mixed = random_.sample(names, len(names))
        val, test, train = mixed[: cuts[0]], mixed[cuts[0] : cuts[1]], mixed[cuts[1] :]
        for file, chosen in (("v.txt", val), ("t.txt", test)):
            written = [random_.choice(spellings(name, root / FOLDERS[task], root)) for name in chosen]
            (root / file).write_text("\n".join([*written, chosen[0]]))
        data = build(task, root, "fit", "test", **LISTS)
        for split, expected in (("val", val), ("test", test), ("train", train)):
            assert sorted(names_of(data, split, task)) == sorted(expected)
        assert [str(path) for path in data.train_paths()] == [record["path"] for record in data.records["train"]]


def test_a_sample_in_both_lists_is_refused(task: str, root: Path) -> None:
    first, second, *_ = all_names(task, root)
    (root / "v.txt").write_text(f"{second}\n{first}\n")
    (root / "t.txt").write_text(f"./{first}\n")
    text = f"{task}: expected each sample in one split, got {first} in v.txt and in t.txt; remove it from one."
    for stage in STAGES:
        with pytest.raises(ValueError, match="^" + re.escape(text)):
            build(task, root, stage, **LISTS)


@pytest.mark.parametrize("stage", STAGES)
def test_a_bad_test_list_is_found_at_every_stage(task: str, root: Path, stage: str) -> None:
    (root / "v.txt").write_text(all_names(task, root)[0])
    (root / "t.txt").write_text("\nghost.png\n")
    with pytest.raises(BadSampleError, match=r"t\.txt: 1 of 1 lines name no (frame|tile); .* 'ghost\.png' in line 2"):
        build(task, root, stage, **LISTS)
    (root / "t.txt").write_text("\n")
    with pytest.raises(
        ValueError, match=rf"^{task}: \S+/t\.txt names no (frame|tile)s; expected one file name per line"
    ):
        build(task, root, stage, **LISTS)
    (root / "t.txt").unlink()
    with pytest.raises(MissingDataError, match=r"t\.txt: no such file; expected one name per line\.$"):
        build(task, root, stage, **LISTS)


@pytest.mark.parametrize("stage", STAGES)
def test_lists_that_windows_saved_are_refused_or_read(task: str, root: Path, stage: str) -> None:
    first, second, *_ = all_names(task, root)
    (root / "v.txt").write_bytes(f"\ufeff{first}\r\n{second}\r\n".encode())
    assert sorted(build(task, root, stage, valid_list="v.txt").parts.val) == [first, second]
    (root / "v.txt").write_bytes(f"{first}\r\n".encode("utf-16"))
    with pytest.raises(BadSampleError, match=r"v\.txt: .* byte 0xff at position 0 \(line 1\); save it as UTF-8\.$"):
        build(task, root, stage, valid_list="v.txt")


WAYS: dict[str, list[tuple[dict[str, Any], str]]] = {
    "camvid": [
        ({}, "camvid: 8 frames train, 4 validate (valid.txt), none in both"),
        ({"valid_fraction": 0.25}, "camvid: 9 frames train, 3 validate (valid_fraction 0.25, seed 0), none in both"),
        (
            {"valid_groups": ["drive00"], "group": DRIVE},
            "camvid: 9 frames train, 3 validate (valid_groups drive00), none in both",
        ),
    ],
    "biwi": [
        ({}, "biwi: 15 frames train, 5 validate (person 13), none in both"),
        ({"valid_person": [1, 2], "train_persons": [3]}, "biwi: 5 frames train, 10 validate (persons 01, 02), none in"),
        ({"valid_fraction": 0.3}, "biwi: 10 frames train, 10 validate (valid_fraction 0.3 in whole persons, seed 0), "),
        ({"valid_groups": 3}, "biwi: 15 frames train, 5 validate (valid_groups 03), none in both"),
        ({"valid_list": "v.txt"}, "biwi: 19 frames train, 1 validate (v.txt), none in both; persons in both: 1"),
    ],
    "planet": [
        ({}, "planet: 24 tiles train, 6 validate (valid_fraction 0.2, seed 0), none in both"),
        ({"valid_list": "v.txt"}, "planet: 29 tiles train, 1 validate (v.txt), none in both"),
        (
            {"group": "_(.)", "valid_groups": "2"},
            "planet: 19 tiles train, 11 validate (valid_groups 2), none in both",
        ),
        (
            {**LISTS, "seed": 3},
            "planet: 28 tiles train, 1 validate (v.txt), 1 test (t.txt), none in two of these",
        ),
    ],
}


@pytest.mark.parametrize(
    ("task", "number"), [(task, number) for task, ways in WAYS.items() for number in range(len(ways))]
)
def test_each_way_to_split_is_said_in_one_line(task: str, number: int, root: Path, lines: list[str]) -> None:
    first, *_, last = all_names(task, root)
    (root / "v.txt").write_text(first)
    (root / "t.txt").write_text(last)
    arguments, expected = WAYS[task][number]
    data = build(task, root, "validate", "test")
    assert not lines
    data = build(task, root, "fit", **arguments)
    (line,) = lines
    assert line.startswith(expected)
    train, val = (names_of(data, split, task) for split in ("train", "val"))
    assert not {*train} & {*val}
    assert [int(number) for number in re.findall(r"(\d+) (?:frames|tiles|validate)", line)] == [len(train), len(val)]


def test_the_line_is_said_once_however_often_the_same_data_are_set_up(
    task: str, root: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "v.txt").write_text(all_names(task, root)[0])
    data = build(task, root, valid_list="v.txt")
    monkeypatch.setattr(split_module, "is_info_shown", lambda: False)
    data.setup("fit")  # of a trial, which is silent
    assert not lines
    monkeypatch.setattr(split_module, "is_info_shown", lambda: True)
    for stage in ("fit", "test", "fit", "predict", "fit"):
        data.setup(stage)
    assert len(lines) == 1
    (root / "v.txt").write_text("\n".join(all_names(task, root)[:2]))
    data.setup("fit")
    assert [re.findall(r"\d+", line.split("(")[0])[1] for line in lines] == ["1", "2"]


def test_groups_are_in_one_split(task: str, root: Path) -> None:
    names = all_names(task, root)
    pattern = {"camvid": DRIVE, "biwi": "^..", "planet": r"(\d)\."}[task]
    for seed in range(3):
        data = build(task, root, "fit", valid_fraction=0.3, group=pattern, seed=seed)
        train, val = (
            {re.search(pattern, name)[0] for name in names_of(data, split, task)} for split in ("train", "val")
        )
        assert train and val and not train & val
    (root / "v.txt").write_text(names[0])
    with pytest.raises(ValueError, match=rf"^{task}: expected each group in one split, got '\w+' in train and in val"):
        build(task, root, "fit", valid_list="v.txt", group=pattern)


def test_test_samples_are_not_drawn(task: str, root: Path) -> None:
    names = all_names(task, root)
    (root / "t.txt").write_text("\n".join(names[:5]))
    data = build(task, root, "fit", "test", test_list="t.txt", valid_fraction=0.6)
    assert sorted(names_of(data, "test", task)) == names[:5]
    assert sorted(data.parts.train + data.parts.val + data.parts.test) == names


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"valid_fraction": 0.3, "valid_list": "a.txt"},
            "valid_list, valid_fraction: expected one way to split, ",
        ),
        ({"valid_fraction": 0.3, "valid_groups": "a", "group": "."}, "valid_fraction, valid_groups: expected one way "),
        ({"valid_fraction": 1.0}, "valid_fraction: expected a fraction between 0 and 1, got 1.0."),
        ({"group": "("}, "group: expected a regular expression, got '(' (missing )"),
    ],
)
def test_a_split_that_is_not_one_is_refused_at_once(task: str, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        MODULES[task]("x", **arguments)


@pytest.mark.parametrize(
    ("task", "arguments", "text"),
    [
        ("camvid", {"valid_groups": "a"}, "valid_groups: expected group beside it, a regular expression whose first "),
        (
            "biwi",
            {"valid_person": "02", "valid_fraction": 0.3},
            "valid_fraction, valid_person: expected one way to ",
        ),
        ("planet", {"valid_column": "a", "valid_list": "a.txt"}, "valid_list, valid_column: expected one way to split"),
    ],
)
def test_what_only_one_of_them_has_is_refused_too(task: str, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        MODULES[task]("x", **arguments)


def test_persons_to_train_on_belong_to_the_split_by_person(drawn_portraits: Path) -> None:
    with pytest.raises(ValueError, match=r"^train_persons: expected valid_person beside it, got valid_fraction; "):
        build("biwi", drawn_portraits, "fit", valid_fraction=0.3, train_persons=["01"])


@pytest.mark.parametrize("stage", STAGES)
def test_a_folder_without_a_list_names_the_arguments_that_split_it(streets: Path, stage: str) -> None:
    (streets / "valid.txt").unlink()
    words = r"valid\.txt: no such file; expected one name per line\. To split without a list, set valid_fraction"
    with pytest.raises(MissingDataError, match=words):
        build("camvid", streets, stage)
    assert len(build("camvid", streets, "fit", valid_fraction=0.25).records["val"]) == 3


def table_of(root: Path, rows: str) -> Path:
    """Tiles `t0` to `t3` and their table."""
    (root / "train-jpg").mkdir(parents=True)
    for number in range(4):
        Image.new("RGB", (8, 8)).save(root / "train-jpg" / f"t{number}.jpg")
    (root / "train_v2.csv").write_text(rows)
    return root


def test_a_column_of_the_table_splits(tmp_path: Path, lines: list[str]) -> None:
    rows = ["image_name,tags,is_valid,part", "t0,clear,False,train", "t1,haze,True,test", "t2,clear,True,valid"]
    root = table_of(tmp_path / "data", "\n".join([*rows, "t3,haze,False,train"]))
    data = build("planet", root, "fit", "test", valid_column="is_valid", tags="table")
    assert names_of(data, "val", "planet") == names_of(data, "test", "planet") == ["t1.jpg", "t2.jpg"]
    data = build("planet", root, "fit", "test", valid_column="part", tags="table")
    assert [names_of(data, split, "planet") for split in ("val", "test")] == [["t2.jpg"], ["t1.jpg"]]
    assert lines[1] == "planet: 2 tiles train, 1 validate (column part), 1 test (column part), none in two of these"
    with pytest.raises(BadSampleError, match=r"train_v2\.csv: expected a column 'x', got image_name, tags, is_valid"):
        build("planet", root, "fit", valid_column="x", tags="table")


def test_of_two_tiles_one_is_held_out(tmp_path: Path) -> None:
    data = build("planet", table_of(tmp_path / "data", "image_name,tags\nt0,clear\nt1,haze\n"), "fit", tags="table")
    assert (len(data.records["train"]), len(data.records["val"])) == (1, 1)


def test_a_table_that_a_spreadsheet_saved_names_its_byte(tmp_path: Path) -> None:
    root = table_of(tmp_path / "data", "image_name,tags\nt0,clear\n")
    (root / "train_v2.csv").write_bytes("image_name,tags\nt0,forêt\n".encode("cp1252"))
    with pytest.raises(BadSampleError, match=r"train_v2\.csv: .* got byte 0xea at .* \(line 2\); save it as UTF-8\.$"):
        build("planet", root, "fit", tags="table")


def test_files_of_other_systems_are_no_frames(streets: Path) -> None:
    before = build("camvid", streets, "fit").parts
    for folder in ("images", "labels"):
        for path in [*(streets / folder).iterdir()]:
            (streets / folder / f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
        (streets / folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
        (streets / folder / "__MACOSX").mkdir()
        (streets / folder / "__MACOSX" / "a.png").touch()
    assert build("camvid", streets, "fit").parts == before


def test_frames_in_subfolders_have_their_masks_in_the_same_ones(streets: Path) -> None:
    for name in all_names("camvid", streets):
        for folder, file in (("images", name), ("labels", name.replace(".png", "_P.png"))):
            (streets / folder / name[:7]).mkdir(exist_ok=True)
            (streets / folder / file).rename(streets / folder / name[:7] / file)
    data = build("camvid", streets, "fit")  # the list names files, each of which is the only one of its name
    assert data.parts.val == [f"{name[:7]}/{name}" for name in (streets / "valid.txt").read_text().split()]
    assert data.records["train"].label_path("bonn/x.png") == streets / "labels" / "bonn" / "x_P.png"
    assert [record["mask"].shape for record in data.records["train"]] == [(64, 96)] * 8
    grouped = build("camvid", streets, "fit", valid_groups="drive01", group="^(.*)/")
    assert {path.parent.name for path in grouped.train_paths()} == {"drive00", "drive02", "drive03", "drive04"}


def test_poses_without_any_frame_are_refused_whoever_is_held_out(drawn_portraits: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(drawn_portraits, tmp_path / "people"))
    for frame in (root / "02").glob("*_rgb.png"):
        frame.unlink()
    with pytest.raises(MissingDataError, match=r"02/frame_\d+_pose\.txt: the pose has no frame"):
        build("biwi", root, "fit", valid_fraction=0.3)


@pytest.mark.parametrize("stage", STAGES)
def test_description_tells_counts_groups_first_names_and_how(task: str, root: Path, stage: str) -> None:
    names = all_names(task, root)
    (root / "v.txt").write_text("\n".join(names[3:5]))
    data = build(task, root, stage, valid_list="v.txt")
    title, *rows = data.describe().splitlines()
    assert title == f"{task}: {root}"
    cells = [re.split(r"  +", row) for row in rows]
    assert cells[0] == ["split", f"{data.noun}s", f"{data.group_noun}s", "chosen by", "first"]
    assert [row[0] for row in cells[1:]] == ["train", "valid", "test"]
    assert [row[1] for row in cells[1:]] == [str(len(names) - 2), "2", "2"]
    assert [row[3] for row in cells[1:]] == ["the others", "v.txt", "as valid"]
    assert cells[2][4].split(", ") == (names[3:5] if task != "planet" else data.parts.val)
    assert [row[2] for row in cells[1:]] == (["4", "1", "1"] if task == "biwi" else ["-"] * 3)


def test_description_needs_no_setup_and_counts_groups(drawn_streets: Path) -> None:
    data = build("camvid", drawn_streets, valid_groups="drive01", group=DRIVE)
    rows = data.describe().splitlines()
    assert [re.split(r"  +", row)[2] for row in rows[1:]] == ["groups", "4", "1", "1"]
    assert "valid_groups drive01" in rows[3]


CHANGES: dict[str, Callable[[SplitDataModule], object]] = {
    "seed": lambda data: setattr(data, "seed", 4),
    "root": lambda data: setattr(data, "root", shutil.copytree(data.root, data.root.with_name("other"))),
    "fraction": lambda data: setattr(data, "valid_fraction", 0.8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_setup_reads_again_only_if_something_has_changed(task: str, root: Path, change: str) -> None:
    data = build(task, root, "fit", valid_fraction=0.4)
    before, paths = dict(data.records), data.train_paths()
    data.image_size, data.batch_size, data.augment = (16, 16), 1, False
    for stage in ("fit", "validate", "test", "fit"):
        data.setup(stage)
    assert all(data.records[split] is before[split] for split in ("train", "val"))
    CHANGES[change](data)
    data.setup("fit")
    assert all(data.records[split] is not before[split] for split in ("train", "val"))
    assert data.train_paths() != paths


@pytest.mark.parametrize("task", ["camvid", "planet"])
def test_a_frame_that_is_added_is_found(task: str, root: Path) -> None:
    data = build(task, root, "fit")
    before = len(data.records["train"])
    if task == "camvid":
        for folder, end in (("images", ""), ("labels", "_P")):
            path = next((root / folder).iterdir())
            shutil.copy(path, root / folder / f"new{end}.png")
    else:
        shutil.copy(root / "train-jpg" / "train_0.jpg", root / "train-jpg" / "train_x.jpg")
        with (root / "train_v2.csv").open("a") as file:
            file.write("train_x,clear primary\n")
    data.setup("fit")
    assert len(data.records["train"]) == before + 1


@QUIET
@pytest.mark.parametrize("written", ["[drive00]", "drive00"])
def test_a_split_is_given_in_yaml_and_on_the_command_line(drawn_streets: Path, written: str) -> None:
    parser = Parser()
    parser.add_lightning_class_args(CamVidDataModule, "data")
    yaml = f"data:\n  root: {drawn_streets}\n  valid_groups: {written}\n  group: '{DRIVE}'\n"
    arguments = ["--data.root", str(drawn_streets), "--data.valid_groups", written, "--data.group", DRIVE]
    for config in (parser.parse_string(yaml), parser.parse_args(arguments)):
        data = CamVidDataModule(**vars(config.data))
        data.setup("fit")
        assert {name[:7] for name in data.parts.val} == {"drive00"}


def test_another_split_is_another_run() -> None:
    was, now = (
        arguments_of({}, CamVidDataModule("x", **arguments).arguments, {})
        for arguments in ({"valid_groups": ("a", "b"), "group": "(.)"}, {"valid_groups": ["a"], "group": "(.)"})
    )
    assert first_difference(was, now) == "data.valid_groups was ['a', 'b'], now ['a']"
    assert first_difference({"data.valid_list": "valid.txt"}, now) is None


@pytest.mark.parametrize(("task", "lesson"), [("camvid", "valid_list"), ("planet", "valid_fraction")])
def test_no_way_to_split_is_refused_with_those_that_there_are(task: str, lesson: str, roots: dict[str, Path]) -> None:
    text = f"^{lesson}: expected a way to split, got none; set one of valid_list, valid_fraction, valid_groups"
    with pytest.raises(ValueError, match=text):
        build(task, roots[task], "fit", **{lesson: None})
