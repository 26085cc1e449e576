"""Calls `triptych` from a test, with the shipped configurations reduced to runs of seconds."""

import contextlib
import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from threads import one_thread

from triptych.cli import main

QUIET = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:lightning.pytorch.cli",  # it uses an older name of jsonargparse
    "ignore::DeprecationWarning:jsonargparse",
)
"""The `pytestmark` of every module that calls the command line."""

CONFIGS = Path(__file__).parents[1] / "configs"
HELD_OUT = ["02", "13"]
"""The made-up persons on which BIWI's small configuration validates."""

SMALL: dict[str, dict[str, object]] = {
    "camvid": {"data.image_size": [64, 96], "data.batch_size": 2, "trainer.max_epochs": 2},
    "biwi": {
        **{"data.image_size": [48, 64], "data.batch_size": 3, "trainer.max_epochs": 1},
        "data.valid_person": HELD_OUT,
    },
    "planet": {"data.image_size": [32, 32], "data.batch_size": 6, "trainer.max_epochs": 2},
    "imdb": {"data.batch_size": 8, "trainer.max_epochs": 2},
}
"""Options that reduce the configuration of each task."""

SHARED = {"data.num_workers": 0, "trainer.precision": "32-true", "trainer.accelerator": "cpu"}


def config_args(task: str, root: Path) -> list[str]:
    """Arguments for the small configuration of a task, with the data in `root`."""
    options = {"data.root": root, **SMALL[task], **SHARED}
    arguments = (one for key, value in options.items() for one in (f"--{key}", str(value)))
    return ["--config", str(CONFIGS / f"{task}.yaml"), *arguments]


def runs_in(folder: Path, version: str | None = None) -> list[str]:
    """Arguments that put the run below `folder`, with the name `version`."""
    logger = "--trainer.logger.init_args"
    return [f"{logger}.save_dir", str(folder), *([f"{logger}.version", version] if version else [])]


class Run(NamedTuple):
    """A finished fit: its task, its folder, its printed text, and the folder of its data."""

    task: str
    folder: Path
    printed: str
    root: Path

    @property
    def best(self) -> Path:
        return self.folder / "checkpoints" / "best.ckpt"

    @property
    def score(self) -> float:
        """The best score, as printed."""
        found = re.search(r"^score: \S+ (\d+\.\d{4}) \(.+\)$", self.printed, re.MULTILINE)
        assert found is not None
        return float(found[1])

    @property
    def args(self) -> list[str]:
        """Arguments for the configuration that it was trained with."""
        return config_args(self.task, self.root)

    def call(self, subcommand: str, *more: str) -> str:
        """Runs a subcommand from the best checkpoint; returns what it prints."""
        return printed_by([subcommand, *self.args, "--ckpt_path", str(self.best), *more])

    def predict(self, path: Path, out: Path, *more: str) -> str:
        """Predicts the images at `path` into `out`, without data; returns what `predict` prints."""
        arguments = ["--data.predict_path", str(path), "--predictions.output_dir", str(out)]
        return self._replace(root=out.parent / "nowhere").call("predict", *arguments, *more)


def finished_fit(task: str, root: Path, runs: Path, *more: str) -> Run:
    """Fits the small configuration on the data in `root`, with more arguments; the run folder is below `runs`."""
    printed = printed_by(["fit", *config_args(task, root), *runs_in(runs, "first"), *more])
    return Run(task, runs / task / "first", printed, root)


def printed_by(args: list[str]) -> str:
    """Runs the command; returns what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, one_thread():
        main(args)
    return out.getvalue()


def fails(args: list[str], words: str) -> None:
    """Asserts that the command fails with one line on standard error that matches `words`."""
    with pytest.raises(SystemExit) as caught, one_thread():
        main(args)
    message = caught.value.code
    assert isinstance(message, str)
    assert "\n" not in message
    assert re.fullmatch(f"triptych: {words}", message), message


def files(folder: Path) -> set[str]:
    """Relative paths of all files and folders below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
