"""Corrections: read in each data set's layout, trained on and never scored, drawn often, the same after a resume."""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
from corrected import write_corrections, write_points
from PIL import Image
from points_files import NAMES, write_table
from small_fit import BreakOff, BrokenOffError, Case, Diary, data_of, model_of, trainer_for

from triptych import write_losses
from triptych.callbacks import ResumePoint
from triptych.datamodules.hard_examples import LossRow
from triptych.datasets.corrections import Corrected
from triptych.errors import BadSampleError, MissingDataError

TASKS = ["camvid", "biwi", "planet", "points"]
COUNT = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corrections"


def build(task: str, root: Path, folder: Path | None, **changed: Any) -> Any:
    data: Any = data_of(Case(task), root)
    data.corrections = folder
    for name, value in changed.items():
        setattr(data, name, value)
    data.setup("fit")
    return data


@pytest.mark.parametrize("task", TASKS)
def test_corrections_are_trained_on_after_the_data_and_never_scored(
    task: str, roots: dict[str, Path], folder: Path
) -> None:
    write_corrections(task, folder, COUNT)
    plain, data = build(task, roots[task], None), build(task, roots[task], folder)
    train = data.records["train"]
    assert isinstance(train, Corrected)
    assert train.paths[:-COUNT] == plain.train_paths()
    assert {path.parent.parent for path in train.paths[-COUNT:]} == {folder}
    assert [record["path"] for record in (train[i] for i in range(len(train)))] == [str(one) for one in train.paths]
    assert data.records["val"].paths == plain.records["val"].paths
    data.setup("test")
    assert not {*data.records["test"].paths} & {*train.paths}
    assert data.metadata == plain.metadata
    assert (
        next(iter(data.train_dataloader()))[data.target].shape[1:]
        == plain.val_dataloader().dataset[0][data.target].shape
    )


@pytest.mark.parametrize("task", TASKS)
def test_labels_of_corrections_are_those_of_their_files(task: str, roots: dict[str, Path], folder: Path) -> None:
    write_corrections(task, folder, COUNT)
    record = build(task, roots[task], folder).records["train"].corrections[COUNT - 1]
    if task == "camvid":
        assert np.array_equal(
            record["mask"], np.array(Image.open(folder / "labels" / f"{Path(record['path']).stem}_P.png"))
        )
    elif task == "planet":
        row = (folder / "train_v2.csv").read_text().splitlines()[COUNT]
        assert row.startswith(Path(record["path"]).stem) and record["labels"].sum() == len(row.split())
    else:
        rows = [line.split(",") for line in (folder / "points.csv").read_text().splitlines()]
        own = [[float(x), float(y)] for path, _, y, x in rows[1:] if record["path"].endswith(path)]
        assert sorted(record["keypoints"].tolist()) == sorted(own)


def test_corrections_are_named_where_the_data_are_described(
    drawn_streets: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("triptych.datamodules.split_module.rank_zero_info", said.append)
        patch.setattr("triptych.datamodules.split_module.is_info_shown", lambda: True)
        data = build("camvid", drawn_streets, write_corrections("camvid", folder, COUNT))
    assert said == ["camvid: 8 frames train + 3 corrections, 4 validate (valid.txt), none in both"]
    assert data.describe().splitlines()[-1] == f"train + 3 corrections: {folder}"


def test_class_counts_see_the_corrected_masks(drawn_streets: Path, folder: Path) -> None:
    write_corrections("camvid", folder, 2)
    plain, data = build("camvid", drawn_streets, None), build("camvid", drawn_streets, folder)
    own = np.array(plain.class_counts())
    added = sum(
        np.bincount(mask.ravel(), minlength=len(own)) for mask in data.records["train"].corrections.masks_in_order()
    )
    added[data.metadata["ignore_index"]] = 0
    assert data.class_counts() == (own + added).tolist()


def drawn(data: Any, epochs: int = 300) -> Counter[int]:
    """How often each training sample is drawn."""
    sampler, counts = data.train_dataloader().sampler, Counter[int]()
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        counts.update(key[1] for key in sampler)
    return counts


def test_a_correction_is_drawn_four_times_as_often_as_another_frame(drawn_streets: Path, folder: Path) -> None:
    counts = drawn(build("camvid", drawn_streets, write_corrections("camvid", folder, 2)))
    corrected = counts[8] + counts[9]
    assert corrected / counts.total() == pytest.approx(2 * 4 / (8 + 2 * 4), abs=0.03)


def test_a_table_of_losses_weighs_the_data_and_corrections_keep_their_weight(drawn_streets: Path, folder: Path) -> None:
    data = build("camvid", drawn_streets, write_corrections("camvid", folder, 2))
    table = folder.parent / "losses.csv"
    write_losses(table, [LossRow(str(path), 1.0 + (i == 2)) for i, path in enumerate(data.train_paths())])
    data.sample_weights = str(table)
    data.setup("fit")  # a row that names no sample would be a warning, an error here
    weights = data.train_dataloader().sampler.weights
    assert weights == pytest.approx([8 / 9, 8 / 9, 16 / 9, *[8 / 9] * 5, 4, 4])


def as_correction(task: str, data: Any, split: str, folder: Path, name: str) -> None:
    """Copies the first image of a split, with its own label, to the corrections of streets."""
    records = data.records[split]
    shutil.copy(records.paths[0], folder / "images" / f"{name}.png")
    shutil.copy(records.label_path(records.names[0]), folder / "labels" / f"{name}_P.png")


def test_an_image_to_validate_on_is_refused_by_its_bytes_whatever_its_name(drawn_streets: Path, folder: Path) -> None:
    write_corrections("camvid", folder)
    plain = build("camvid", drawn_streets, None)
    as_correction("camvid", plain, "val", folder, "mine")
    held_out = plain.records["val"].paths[0]
    with pytest.raises(
        ValueError,
        match=rf"^corrections: expected no images to validate or test on, .*, got {folder}/images/mine.png, which is "
        rf"{held_out}; remove from {folder} with their labels: images/mine.png\.$",
    ):
        build("camvid", drawn_streets, folder)


def test_an_image_to_test_on_is_refused_too(streets: Path, folder: Path) -> None:
    write_corrections("camvid", folder)
    plain = build("camvid", streets, None)
    as_correction("camvid", plain, "train", folder, "mine")
    (streets / "test.txt").write_text(plain.records["train"].names[0])
    with pytest.raises(ValueError, match=r"got .*mine.png, which is .*"):
        build("camvid", streets, folder)


def test_a_correction_of_a_training_image_takes_the_place_of_its_label(drawn_streets: Path, folder: Path) -> None:
    write_corrections("camvid", folder, 2)
    plain = build("camvid", drawn_streets, None)
    as_correction("camvid", plain, "train", folder, "mine")
    train = build("camvid", drawn_streets, folder).records["train"]
    assert train.records.paths == plain.train_paths()[1:] and len(train.corrections) == 3
    assert train.note == "old labels left out: 1"


def test_of_several_corrections_of_one_image_the_newest_counts(drawn_streets: Path, folder: Path) -> None:
    write_corrections("camvid", folder, 2)
    plain = build("camvid", drawn_streets, None)
    for age, name in enumerate(["c", "a", "b"]):
        as_correction("camvid", plain, "train", folder, name)
        os.utime(folder / "images" / f"{name}.png", (10 - age, 10 - age))
    train = build("camvid", drawn_streets, folder).records["train"]
    assert [path.name for path in train.corrections.paths if len(path.stem) == 1] == ["c.png"]
    assert train.note == "old labels left out: 1; older corrections left out: 2"


def test_all_training_images_may_be_corrected(drawn_tiles: Path, tmp_path: Path) -> None:
    data = build("planet", drawn_tiles, None)
    folder = tmp_path / "corrections"
    (folder / "train-jpg").mkdir(parents=True)
    for path in data.train_paths():
        shutil.copy(path, folder / "train-jpg")
    rows = [f"{path.stem},clear" for path in data.train_paths()]
    (folder / "train_v2.csv").write_text("\n".join(["image_name,tags", *rows]))
    train = build("planet", drawn_tiles, folder).records["train"]
    assert (len(train.records), len(train.corrections)) == (0, len(rows))


def test_new_corrections_are_read_by_the_next_setup(drawn_streets: Path, folder: Path) -> None:
    data = build("camvid", drawn_streets, write_corrections("camvid", folder, 2))
    before = data.records["train"]
    data.setup("fit")
    assert data.records["train"] is before
    as_correction("camvid", build("camvid", drawn_streets, None), "train", folder, "new")
    os.utime(folder / "images", (0, 0))
    data.setup("fit")
    assert len(data.records["train"].corrections) == 3
    data.corrections = None
    data.setup("fit")
    assert len(data.records["train"]) == 8 and data.train_dataloader().sampler.weights is None


def test_points_may_come_in_another_order_and_some_be_missing(drawn_points: Path, folder: Path) -> None:
    write_points(folder, 2, NAMES[:1:-1])
    train = build("points", drawn_points, folder).records["train"]
    labels = train.records.labels
    assert train.corrections.labels == labels
    missing = np.isnan(train.corrections.points_px).any(axis=(0, 2))
    assert {label for label, is_missing in zip(labels, missing, strict=True) if is_missing} == {*NAMES[:2]}
    x, y = train.corrections.points_px[0, labels.index("nose")]
    assert f"images/0.png,nose,{y:g},{x:g}" in (folder / "points.csv").read_text()


def test_a_single_point_needs_no_name(drawn_portraits: Path, folder: Path) -> None:
    write_corrections("biwi", folder)
    write_table(folder / "points.csv", [("images/0.png", 3, 4)], "path,y_px,x_px")
    record = build("biwi", drawn_portraits, folder).records["train"].corrections[0]
    assert record["keypoints"].tolist() == [[4, 3]]


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def no_images(folder: Path) -> None:
    for path in (folder / "images").iterdir():
        path.unlink()


def other_classes(folder: Path) -> None:
    first, second, *others = (folder / "codes.txt").read_text().splitlines()
    (folder / "codes.txt").write_text("\n".join([second, first, *others]))


def unknown_id(folder: Path) -> None:
    mask = min((folder / "labels").iterdir())
    Image.fromarray(np.full((64, 96), 77, np.uint8)).save(mask)


def other_size(folder: Path) -> None:
    Image.fromarray(np.zeros((32, 48), np.uint8)).save(min((folder / "labels").iterdir()))


def no_mask(folder: Path) -> None:
    min((folder / "labels").iterdir()).unlink()


def no_image(folder: Path) -> None:
    min((folder / "images").iterdir()).unlink()


def no_tile(folder: Path) -> None:
    min((folder / "train-jpg").iterdir()).unlink()


def unknown_tag(folder: Path) -> None:
    table = folder / "train_v2.csv"
    table.write_text(table.read_text() + "new,snow\n")


def unknown_point(folder: Path) -> None:
    write_table(folder / "points.csv", [("images/0.png", "chin", 3, 4)])


def two_points(folder: Path) -> None:
    write_table(folder / "points.csv", [("images/0.png", "a", 3, 4), ("images/0.png", "b", 5, 6)])


@pytest.mark.parametrize(
    ("task", "spoil", "words"),
    [
        (
            "camvid",
            no_folder,
            r"corrections: expected codes.txt, images and labels in F, but there is no such folder; .*",
        ),
        ("camvid", empty, r"corrections: expected codes.txt, images and labels in F, but found no codes.txt; .*"),
        ("planet", empty, r"corrections: expected train-jpg and train_v2.csv in F, but found no train-jpg; .*"),
        ("biwi", empty, r"corrections: expected images and points.csv in F, but found no images; .*"),
        ("camvid", no_images, r"corrections: expected images in F, got none; .*"),
        ("camvid", other_classes, r"F/codes.txt: expected the classes of the data in their order, .*, got .*"),
        ("camvid", unknown_id, r"F/labels/.*_P.png: .* 77.*"),
        ("camvid", other_size, r"F/labels/.*_P.png: .*"),
        ("camvid", no_mask, r"camvid: 1 of 3 frames have no mask; the first is F/images/.*"),
        ("biwi", no_image, r"F/points.csv: 1 of 3 images do not exist; the first is 'images/0.png' in line 2, .*"),
        ("planet", no_tile, r"planet: 1 of 3 tiles do not exist; the first is F/train-jpg/.*"),
        ("planet", unknown_tag, r"F/train_v2.csv: line 5: tile 'new' has the unknown tag 'snow'.*"),
        ("points", unknown_point, r"F/points.csv: expected the points of the data, left_eye, .*, got chin\."),
        ("biwi", two_points, r"F/points.csv: expected the points of the data, one without a name, got a, b\."),
    ],
)
def test_what_is_wrong_with_corrections_is_told_in_one_line(
    task: str, spoil: Any, words: str, roots: dict[str, Path], folder: Path
) -> None:
    spoil(write_corrections(task, folder, COUNT))
    with pytest.raises((BadSampleError, MissingDataError), match=f"^{words.replace('F', str(folder))}$") as caught:
        build(task, roots[task], folder)
    assert "\n" not in str(caught.value)


def fit(root: Path, folder: Path, callbacks: list[L.Callback], ckpt_path: Path | None = None) -> L.Trainer:
    L.seed_everything(0, verbose=False)
    case = Case("planet", epochs=2)
    data: Any = data_of(case, root)
    data.corrections = folder
    trainer = trainer_for(case, folder.parent, callbacks)
    trainer.fit(model_of(case), data, ckpt_path=ckpt_path, weights_only=True)
    return trainer


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")
def test_a_fit_with_corrections_goes_on_with_the_same_samples_and_says_if_there_are_new_ones(
    drawn_tiles: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corrections("planet", folder, 4)
    whole, resumed, last = Diary(), Diary(), folder.parent / "last.ckpt"
    fit(drawn_tiles, folder, [whole])
    assert any(str(folder) in path for _, path in whole.samples)
    with pytest.raises(BrokenOffError):
        fit(drawn_tiles, folder, [BreakOff("on_train_batch_start", 8), ResumePoint(1, dirpath=str(folder.parent))])
    fit(drawn_tiles, folder, [resumed], last)
    assert resumed.batches == whole.batches[7:]

    said: list[str] = []
    monkeypatch.setattr("triptych.datamodules.resuming.rank_zero_info", said.append)
    table, tile = folder / "train_v2.csv", min((folder / "train-jpg").iterdir())
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tile.with_stem("new"))
    table.write_text(table.read_text() + "new,clear\n")
    fit(drawn_tiles, folder, [], last)
    assert said == [
        "data: 29 training samples, 28 before; in an epoch that was begun some samples come twice, others not at all."
    ]
