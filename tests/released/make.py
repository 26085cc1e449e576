"""Makes what the runs of a release leave on disk, as text, so that the tests of later releases go on with it.

    PYTHONPATH=tests python tests/released/make.py

writes `tests/released/VERSION` with the code that is checked out. It is done once a release, and what was made is never
changed: `tests/test_released.py` goes on with the runs of each. 0.1.0 was made with commit f463be4, Lightning 2.6.6 and
PyTorch 2.14.1.

Three runs from the command line are kept, on the data of `released_runs.draw_data`:

    biwi    a fit that was broken off, given another epoch, and broken off again in the middle of that
    planet  a recipe that was broken off in the middle of its second stage, for which it had searched a rate
    camvid  a finished fit with the encoder of the shipped configurations

A checkpoint is kept as NAME.ckpt.txt (see `skeleton`), what TensorBoard shows as curves in scalars.csv. Left out are
pictures, and those checkpoints that have the structure of one that is kept.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import lightning as L
from released_runs import RELEASED, draw_data, from_text, logits, rates, to_text

import triptych
from triptych import MultiLabelClassifier, PointRegressor, UNetSegmenter
from triptych.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = ["--model.encoder", "timm-mobilenetv3_small_minimal_100"]
SAME = [
    *("--model.encoder_weights", "null", "--data.num_workers", "0", "--data.batch_size", "4"),
    *("--trainer.accelerator", "cpu", "--trainer.precision", "32-true", "--trainer.log_every_n_steps", "1"),
]
STAGES = [
    {"name": "head", "freeze_to": -1, "epochs": 1, "max_lr": 1e-2},
    {"name": "all", "freeze_to": 0, "epochs": 2, "max_lr": ["find/10", "find"], "sample_weights": "last"},
]

KEPT = {"biwi": ["last.ckpt"], "planet": ["1-head.ckpt", "2-all.last.ckpt"], "camvid": ["best.ckpt"]}
"""Of each run the checkpoints that are kept."""
RUNS = {name: Path("runs", name, "version_0") for name in KEPT}
TASKS = {"biwi": PointRegressor, "planet": MultiLabelClassifier, "camvid": UNetSegmenter}


class _BrokenOffError(Exception):
    """Stands for a kill."""


@contextlib.contextmanager
def broken_off(task: type[L.LightningModule], epochs: int, steps: int) -> Iterator[None]:
    """Ends a fit of so many epochs the hard way, after so many steps."""
    training_step = task.training_step

    def step_or_end(self: Any, batch: Any, batch_idx: int) -> Any:
        if (self.trainer.max_epochs, self.trainer.global_step) == (epochs, steps):
            raise _BrokenOffError
        return training_step(self, batch, batch_idx)

    with mock.patch.object(task, "training_step", step_or_end), contextlib.suppress(_BrokenOffError):
        yield


HEADS = [
    *("fit", "--config", str(CONFIGS / "biwi.yaml"), "--data.root", "data/portraits", "--data.image_size", "[48, 64]"),
    *("--data.valid_person", "03", "--trainer.callbacks.every_n_steps", "1", *SAME, *SMALL),
]
TILES = [
    *("recipe", "--config", str(CONFIGS / "recipes" / "planet_quick.yaml"), "--data.root", "data/tiles"),
    *("--data.image_size", "[32, 32]", "--trainer.logger.init_args.name", "planet", "--stages", json.dumps(STAGES)),
    *("--every_n_steps", "1", *SAME, *SMALL),
]
STREETS = [
    *("fit", "--config", str(CONFIGS / "camvid.yaml"), "--data.root", "data/streets", "--data.image_size", "[64, 96]"),
    *("--trainer.max_epochs", "1", *SAME),
]
GOES_ON = ["--ckpt_path", "last", "--trainer.max_epochs", "3"]


def make_runs() -> None:
    """Makes the three runs in the folder in which it is called, below `runs`."""
    draw_data(Path("data"))
    with broken_off(PointRegressor, epochs=2, steps=4):
        main([*HEADS, "--trainer.max_epochs", "2"])
    with broken_off(PointRegressor, epochs=3, steps=7):
        main([*HEADS, *GOES_ON])
    with broken_off(MultiLabelClassifier, epochs=2, steps=8):
        main(TILES)
    main(STREETS)


def write_texts(release: Path) -> None:
    """Writes the runs as text, and what the release gives for them.

    `logits.json` has the logits of each checkpoint, with the values that are drawn from its text; `rates.json` the
    rates of the whole runs that were broken off, once they have gone on to their end.
    """
    given = {}
    for name, checkpoints in KEPT.items():
        to_text(RUNS[name], release / name, checkpoints)
        from_text(release / name, Path("again", name))
        for checkpoint in checkpoints:
            path = Path("again", name, "checkpoints", checkpoint)
            given[f"{name}/{checkpoint}"] = logits(TASKS[name].load_from_checkpoint(path))
    _write(release / "logits.json", given)
    main([*HEADS, *GOES_ON])
    main([*TILES, "--resume"])
    _write(release / "rates.json", {name: rates(RUNS[name]) for name in ("biwi", "planet")})


def _write(path: Path, given: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(given, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    release = RELEASED / triptych.__version__
    release.mkdir()
    with tempfile.TemporaryDirectory() as folder, mock.patch("platform.platform", return_value="Linux"):
        os.chdir(folder)
        make_runs()
        write_texts(release)
        os.chdir(release)
