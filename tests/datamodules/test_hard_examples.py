"""A table of losses, and how it draws hard training samples more often."""

import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import pytest
from small_fit import BreakOff, BrokenOffError, Case, Diary, data_of, model_of, trainer_for

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule, read_losses, write_losses
from triptych.callbacks import ResumePoint
from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.hard_examples import LossRow, weights_of
from triptych.errors import BadSampleError, MissingDataError

ROOT = Path("data")
SAMPLES = [ROOT / "images" / f"{name}.png" for name in "abcd"]
ROWS = [LossRow("data/images/b.png", 0.5, "Sky taken for Road"), LossRow("data/images/a.png", 2.0, 'one, "two"')]


def table(folder: Path, text: str) -> Path:
    path = folder / "losses.csv"
    path.write_text(text)
    return path


def test_a_table_is_written_worst_first_and_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "losses.csv"
    write_losses(path, ROWS)
    assert read_losses(path) == ROWS[::-1]
    assert path.read_text().splitlines()[0] == "path,loss,wrong"
    assert [file.name for file in path.parent.iterdir()] == ["losses.csv"]


def test_rows_may_be_anything_with_path_loss_and_what_was_wrong(tmp_path: Path) -> None:
    class Other(NamedTuple):
        index: int
        wrong: str
        loss: float
        path: str

    write_losses(tmp_path / "losses.csv", [Other(3, "a tag missed", 0.1, "a.jpg")])
    assert read_losses(tmp_path / "losses.csv") == [("a.jpg", 0.1, "a tag missed")]


def test_names_may_stand_for_paths_and_what_was_wrong_be_missing(tmp_path: Path) -> None:
    assert read_losses(table(tmp_path, "\ufeffloss,name\n1,a\n\n0.5,b\n")) == [("a", 1.0, ""), ("b", 0.5, "")]


@pytest.mark.parametrize("loss", ["high", "", "-0.1", "nan", "inf"])
def test_a_loss_that_is_none_is_reported_in_one_line(tmp_path: Path, loss: str) -> None:
    with pytest.raises(BadSampleError, match=r"^.*losses.csv: expected a loss of at least 0 for a.png, got \S+\.$"):
        read_losses(table(tmp_path, f"path,loss\na.png,{loss}\n"))


def test_a_loss_that_is_none_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a loss of at least 0 for a.png, got nan\.$"):
        write_losses(tmp_path / "losses.csv", [LossRow("a.png", float("nan"))])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got the columns none"),
        (b"image_name,tags\na,clear\n", "got the columns image_name, tags"),
        (b"path,score\na,1\n", "got the columns path, score"),
        (b"\x89PNG\r\n\x1a\n\xff\x00", r"got byte 0x89 at position 0 \(line 1\); save it as UTF-8"),
        (b"path,loss\n,1\n", "expected a path in each row, got none in row 1"),
        (b"path,loss\na.png\n", "expected a loss of at least 0 for a.png, got none"),
    ],
)
def test_a_file_that_is_no_such_table_is_reported_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "losses.csv"
    path.write_bytes(content)
    with pytest.raises(BadSampleError, match=rf"^.*losses.csv: .*{message}\.$"):
        read_losses(path)


def test_an_absent_file_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"losses.csv: no such file; expected a CSV file .* loss\.$"):
        read_losses(tmp_path / "losses.csv")


def test_weights_are_the_losses_over_their_mean_within_bounds(tmp_path: Path) -> None:
    path = table(tmp_path, "path,loss\na.png,1\nb.png,3\nc.png,0\nd.png,4\n")
    assert weights_of(path, SAMPLES, ROOT) == [0.5, 1.5, 0.25, 2.0]
    many = [ROOT / f"{i}.png" for i in range(10)]
    one_hard = table(tmp_path, "path,loss\n" + "".join(f"{i}.png,{9 if i == 0 else 0.1}\n" for i in range(10)))
    weights = weights_of(one_hard, many, ROOT)
    assert weights is not None and weights[0] == 4 and set(weights[1:]) == {0.25}


def test_a_table_of_the_worst_alone_draws_them_more_often(tmp_path: Path) -> None:
    samples = [ROOT / f"{i}.png" for i in range(100)]
    weights = weights_of(table(tmp_path, "path,loss\n7.png,6\n8.png,2\n"), samples, ROOT)
    assert weights is not None and weights[:7] == [1] * 7
    assert weights[7] == pytest.approx(3, rel=0.03) and weights[8] == pytest.approx(1, rel=0.03)


def test_losses_of_zero_give_equal_weights(tmp_path: Path) -> None:
    assert weights_of(table(tmp_path, "path,loss\na.png,0\nb.png,0\n"), SAMPLES, ROOT) == [1, 1, 1, 1]


@pytest.mark.parametrize("named", ["b.png", "b", "images/b.png", "images/b", "/elsewhere/moved/images/b.png"])
def test_a_sample_is_named_by_file_name_or_path_wherever_the_folder_lies(tmp_path: Path, named: str) -> None:
    weights = weights_of(table(tmp_path, f"path,loss\n{named},8\na.png,2\n"), SAMPLES, ROOT)
    assert weights == pytest.approx([4 / 7, 16 / 7, 1, 1])


@pytest.mark.parametrize("rows", ["e.png,8", "other/b.png,8", "/data/valid/b.png,8\nx,1"])
def test_rows_of_other_samples_are_counted_and_ignored(tmp_path: Path, rows: str) -> None:
    path = table(tmp_path, f"path,loss\n{rows}\n")
    count, first = rows.count("\n") + 1, rows.split(",")[0]
    with pytest.warns(UserWarning, match=rf"losses.csv: {count} of {count} rows .*; the first is {first}\.$"):
        assert weights_of(path, SAMPLES, ROOT) is None


def test_a_name_that_several_samples_have_takes_its_folder(tmp_path: Path) -> None:
    samples = [ROOT / "01" / "f.png", ROOT / "02" / "f.png"]
    assert weights_of(table(tmp_path, "path,loss\n01/f.png,3\n02/f.png,1\n"), samples, ROOT) == [1.5, 0.5]
    with pytest.raises(ValueError, match=r"f.png may be 01/f.png or 02/f.png; name the sample with its folder\.$"):
        weights_of(table(tmp_path, "path,loss\nf.png,3\n"), samples, ROOT)


def test_a_sample_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected each sample once, got images/a.png twice\.$"):
        weights_of(table(tmp_path, "path,loss\na.png,3\nimages/a.png,1\n"), SAMPLES, ROOT)


def camvid(root: Path, **arguments: Any) -> TriptychDataModule:
    data = CamVidDataModule(str(root), image_size=(32, 48), batch_size=2, **arguments)
    data.setup("fit")
    return data


def keys(data: TriptychDataModule, split: str = "train") -> list[Any]:
    return list(getattr(data, f"{split}_dataloader")().sampler)


def test_the_hard_training_frames_are_drawn_more_often_and_validation_stays(
    drawn_streets: Path, tmp_path: Path
) -> None:
    plain = camvid(drawn_streets)
    hard = plain.train_paths()[2]
    path = tmp_path / "losses.csv"
    write_losses(path, [LossRow(str(one), 9.0 if one == hard else 1.0) for one in plain.train_paths()])
    data = camvid(drawn_streets, sample_weights=str(path))
    sampler = data.train_dataloader().sampler
    counts: Counter[int] = Counter()
    for epoch in range(300):
        sampler.set_epoch(epoch)
        counts.update(key[1] for key in sampler)
    assert len(sampler) == 8
    assert counts[2] / counts.total() == pytest.approx(4 / (4 + 7 * 0.5), abs=0.03)
    assert keys(data, "val") == keys(plain, "val") == [(0, index) for index in range(4)]
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (2, 3, 32, 48)


def test_losses_of_validation_frames_change_nothing(drawn_streets: Path, tmp_path: Path) -> None:
    plain = camvid(drawn_streets)
    path = tmp_path / "losses.csv"
    write_losses(path, [LossRow(plain.records["val"][i]["path"], 5.0 + i) for i in range(4)])
    with pytest.warns(UserWarning, match="4 of 4 rows name no training sample"):
        data = camvid(drawn_streets, sample_weights=str(path))
    assert keys(data) == keys(plain) and keys(data, "val") == keys(plain, "val")


def test_weights_may_be_taken_away_for_the_next_fit(drawn_streets: Path, tmp_path: Path) -> None:
    path = table(tmp_path, "path,loss\n" + "".join(f"{one},1\n" for one in camvid(drawn_streets).train_paths()))
    data = camvid(drawn_streets, sample_weights=str(path))
    assert sorted(key[1] for key in keys(data)) != list(range(8))
    data.sample_weights = None
    data.setup("fit")
    assert keys(data) == keys(camvid(drawn_streets))


def test_a_table_is_read_again_only_if_it_or_the_split_has_changed(drawn_streets: Path, tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    write_losses(path, [LossRow("elsewhere.png", 1.0)])
    with pytest.warns(UserWarning, match="1 of 1 rows name no training sample"):
        data = camvid(drawn_streets, sample_weights=str(path))
    data.setup("fit")  # a second warning would be an error
    write_losses(path, [LossRow(str(data.train_paths()[2]), 4.0), LossRow(str(data.train_paths()[1]), 1.0)])
    os.utime(path, (0, 0))
    data.setup("fit")
    assert data.train_dataloader().sampler.weights[1] == min(data.train_dataloader().sampler.weights)
    hard = data.train_paths()[2]
    data.seed, data.valid_fraction = 1, 0.2
    data.setup("fit")
    weights = data.train_dataloader().sampler.weights
    assert max(weights) == weights[data.train_paths().index(hard)] and len(weights) == 10


@pytest.mark.parametrize("task", ["biwi", "planet"])
def test_frames_and_tiles_are_weighed_too(drawn_portraits: Path, drawn_tiles: Path, tmp_path: Path, task: str) -> None:
    kind, root = {"biwi": (BIWIDataModule, drawn_portraits), "planet": (PlanetDataModule, drawn_tiles)}[task]
    data = kind(str(root), image_size=(32, 32), batch_size=4)
    data.setup("fit")
    paths = [data.records["train"][i]["path"] for i in range(len(data.records["train"]))]
    assert [str(path) for path in data.train_paths()] == paths
    rows = [LossRow(path, 1.0 + index) for index, path in enumerate(paths)]
    write_losses(tmp_path / "losses.csv", rows)
    data.sample_weights = str(tmp_path / "losses.csv")
    data.setup("fit")
    weights = data.train_dataloader().sampler.weights
    assert weights == sorted(weights) and weights[-1] == pytest.approx(2, rel=0.1)


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")
def test_a_weighted_fit_that_was_broken_off_continues_with_the_same_samples(drawn_tiles: Path, tmp_path: Path) -> None:
    case, path = Case(epochs=2), tmp_path / "losses.csv"
    write_losses(path, [LossRow(path, 1.0 + i % 7) for i, path in enumerate(training_tiles(case, drawn_tiles))])

    def weighted_fit(callbacks: list[L.Callback], ckpt_path: Path | None = None) -> None:
        L.seed_everything(0, verbose=False)
        data = data_of(case, drawn_tiles)
        data.sample_weights = str(path)
        trainer_for(case, tmp_path, callbacks).fit(model_of(case), data, ckpt_path=ckpt_path, weights_only=True)

    whole, resumed = Diary(), Diary()
    weighted_fit([whole])
    with pytest.raises(BrokenOffError):
        weighted_fit([BreakOff("on_train_batch_start", 8), ResumePoint(1, dirpath=str(tmp_path))])
    weighted_fit([resumed], tmp_path / "last.ckpt")
    assert len(whole.batches) == case.batches and len(set(whole.samples)) < len(whole.samples)
    assert resumed.batches == whole.batches[7:]


def training_tiles(case: Case, root: Path) -> list[str]:
    data = data_of(case, root)
    data.setup("fit")
    return [path.name for path in data.train_paths()]


def test_a_table_that_does_not_exist_ends_the_setup(drawn_streets: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"absent.csv: no such file"):
        camvid(drawn_streets, sample_weights=str(tmp_path / "absent.csv"))
