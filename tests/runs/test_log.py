"""A run's logs are read as they were written, without the steps that a resumed run repeated."""

import json
import math
from pathlib import Path

import pytest
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from small_fit import Case, data_of, fit
from torch.utils.tensorboard import SummaryWriter

from triptych import plot_losses, plot_lr, write_report
from triptych.callbacks import ResumePoint
from triptych.runs.log import read_run


def write(folder: Path, name: str, values: dict[int, float], purge_step: int | None = None, suffix: str = "") -> None:
    """Logs a value at each step into a new file of the folder; files are read in the order of their suffixes."""
    writer = SummaryWriter(str(folder), purge_step=purge_step, filename_suffix=suffix)
    for step, value in values.items():
        writer.add_scalar(name, value, step)
    writer.close()


def test_every_value_of_every_name_is_read(tmp_path: Path) -> None:
    values = {step: 1 / (step + 1) for step in range(12_000)}  # TensorBoard itself keeps 10,000
    write(tmp_path, "train/loss", values, suffix=".1")
    write(tmp_path, "val/loss", {99: math.nan, 199: 0.25}, suffix=".2")
    series = read_run(tmp_path).series
    assert sorted(series) == ["train/loss", "val/loss"]
    assert series["train/loss"].steps == list(values)
    assert series["train/loss"].values == pytest.approx(list(values.values()), rel=1e-6)
    assert series["val/loss"].steps == [99, 199] and math.isnan(series["val/loss"].values[0])


@pytest.mark.parametrize("purge_step", [2, None])
def test_what_a_killed_process_had_logged_too_much_is_left_out(
    tmp_path: Path, purge_step: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "train/loss", {0: 5, 1: 4, 2: 9, 3: 9}, suffix=".1")
    write(tmp_path, "train/loss", {2: 3, 4: 2}, purge_step, suffix=".2")
    assert read_run(tmp_path).series["train/loss"] == ([0, 1, 2, 4], [5, 4, 3, 2])
    assert not caplog.records


def test_a_file_cut_off_by_a_kill_is_read_up_to_there(tmp_path: Path) -> None:
    write(tmp_path, "train/loss", {0: 5, 1: 4, 2: 3})
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    assert read_run(tmp_path).series["train/loss"] == ([0, 1], [5, 4])


def test_the_stages_of_a_recipe_that_have_begun_are_named(tmp_path: Path) -> None:
    write(tmp_path, "train/loss", {0: 1})
    plans = [
        {"stage": {"name": name, "epochs": epochs}, "steps": steps}
        for name, epochs, steps in (("head", 1, 46), ("small", 4, 46), ("large", 24, 92))
    ]
    saved = {"plans": plans, "max_lr": {"1-head": 1e-3, "2-small": [1e-4, 1e-3]}}
    (tmp_path / "recipe.json").write_text(json.dumps(saved))
    assert read_run(tmp_path).stages == [("head", 0), ("small", 46)]


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")
def test_a_fitted_trainer_and_its_folder_give_the_same(drawn_tiles: Path, tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, "planet", default_hp_metric=False)
    monitor = LearningRateMonitor("step", log_momentum=True)
    case = Case(epochs=2)
    trainer = fit(case, drawn_tiles, tmp_path, [monitor], logger=logger, log_every_n_steps=2)
    log = read_run(trainer)
    assert log == read_run(tmp_path / "planet" / "version_0") == read_run(str(log.folder))
    assert log.series["train/loss"].steps == log.series["lr-AdamW/head-momentum"].steps == [1, 3, 5, 7, 9]
    assert log.series["val/f2"].steps == [4, 9]
    assert log.hyper_parameters["max_lr"] == [1e-4, 1e-2] and log.hyper_parameters["num_labels"] == 17
    assert log.stages == []


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")
def test_what_a_csv_logger_wrote_is_read_and_drawn(drawn_tiles: Path, tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path, "planet")
    callbacks = [LearningRateMonitor("step", log_momentum=True), ResumePoint()]
    fit(Case(epochs=2), drawn_tiles, tmp_path, callbacks, logger=logger, log_every_n_steps=2)
    folder = tmp_path / "planet" / "version_0"
    log = read_run(folder)
    assert log.series["train/loss"].steps == log.series["lr-AdamW/head-momentum"].steps == [1, 3, 5, 7, 9]
    assert log.series["val/f2"].steps == [4, 9] and "step" not in log.series
    assert log.hyper_parameters["num_labels"] == 17
    assert len(plot_losses(folder).axes) > 1 and len(plot_lr(folder).axes) == 2
    page = write_report(folder, data=data_of(Case(), drawn_tiles)).read_text(encoding="utf-8")
    assert "Losses and scores" in page and "val/f2" in page


def test_steps_that_were_logged_again_and_a_line_that_was_cut_off_are_left_out(tmp_path: Path) -> None:
    rows = ["step,train/loss,val/loss", "0,5.0,", "1,4.0,", "1,,3.0", "2,9.0,", "2,3.0,", "3,2."]
    (tmp_path / "metrics.csv").write_text("\r\n".join(rows))
    assert read_run(tmp_path).series == {"train/loss": ([0, 1, 2], [5, 4, 3]), "val/loss": ([1], [3])}


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_folder_without_logs_is_reported_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=rf"^.*{name}: expected the folder of a run .*, found none\.$"):
        read_run(tmp_path / name)
