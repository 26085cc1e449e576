"""The names of a run's files; no other module writes them out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from triptych.files import as_path, modified

_PREVIOUS = "before_"
_LAST = "last"


@dataclass(frozen=True)
class RunLayout:
    """Paths of the files in a run folder.

    Args:
        folder: The run folder. An empty path gives paths relative to any run folder.
    """

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration of the command line, as YAML; a run of a script has none."""
        return self.folder / "config.yaml"

    @property
    def hparams(self) -> Path:
        """The model's hyper-parameters, as Lightning's loggers write them."""
        return self.folder / "hparams.yaml"

    @property
    def vocab(self) -> Path:
        """The vocabulary of a model of texts, a JSON list of tokens."""
        return self.folder / "vocab.json"

    @property
    def recipe(self) -> Path:
        """The state from which a recipe resumes."""
        return self.folder / "recipe.json"

    @property
    def summary(self) -> Path:
        """The results of a recipe's stages."""
        return self.folder / "summary.json"

    @property
    def before(self) -> Path:
        """The run folder of the recipe that this one began with."""
        return self.folder / "before"

    @property
    def report(self) -> Path:
        """The report about the run."""
        return self.folder / "report.html"

    @property
    def exported(self) -> Path:
        """The folder of the exported model."""
        return self.folder / "exported"

    @property
    def predictions(self) -> Path:
        """The folder of predictions."""
        return self.folder / "predictions"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / "checkpoints"

    @property
    def best(self) -> Path:
        """The weights with the best score, as the shipped configurations save them."""
        return self.checkpoint("best")

    @property
    def last(self) -> Path:
        """The checkpoint from which a fit resumes."""
        return self.checkpoint(_LAST)

    def checkpoint(self, name: str) -> Path:
        """The checkpoint of that name; for a finished stage, the name is its `stage_key`."""
        return self.checkpoints / f"{name}.ckpt"

    def stage_last(self, stage_key: str) -> Path:
        """The checkpoint from which a stage resumes."""
        return self.checkpoint(f"{stage_key}.{_LAST}")

    def search(self, stage_key: str = "") -> Path:
        """The folder of a learning-rate search; without `stage_key`, that of a single fit."""
        return self.folder / "lr_find" / stage_key

    def losses(self, stage_key: str) -> Path:
        """The table of losses from which a stage computes its sample weights."""
        return self.folder / "hard_examples" / f"{stage_key}.csv"

    def features(self, stage_key: str) -> Path:
        """The features of a stage's frozen encoder, while it trains."""
        return self.folder / "features" / f"{stage_key}.bin"

    @property
    def metrics(self) -> Path:
        """The curves of a CSVLogger."""
        return self.folder / "metrics.csv"

    def events(self, second: int | None = None) -> list[Path]:
        """TensorBoard's event files; with `second` (Unix time), only those created in that second."""
        created = "*" if second is None else f"{second:010d}.*"
        return sorted(self.folder.glob(f"events.out.tfevents.{created}"))

    def figure(self, name: str, step: int) -> Path:
        """A figure as a file, beside the curves of a CSVLogger.

        Args:
            name: Its name in a log, such as `val/frames`.
            step: The step at which it was drawn.
        """
        return self.folder / "figures" / f"{name.replace('/', '_')}_{step:06d}.png"

    def traces(self) -> list[Path]:
        """What a run left in the folder: configuration, recipe, curves, checkpoints, a search; empty for a new run."""
        known = (self.config, self.recipe, self.hparams, self.metrics, self.checkpoints, self.search())
        return [path for path in (*known, *self.events()) if path.exists()]

    def find_checkpoint(self) -> Path:
        """The checkpoint of a recipe's last stage; the best of a fit; else the newest one.

        Raises:
            FileNotFoundError: The folder has no checkpoint.
        """
        if self.best.is_file() and not self.recipe.is_file():
            return self.best
        found = [path for path in self.checkpoints.glob("*.ckpt") if not path.name.startswith((".", _PREVIOUS))]
        if not found:
            raise FileNotFoundError(
                f"{self.folder}: expected a run folder with a checkpoint in {self.checkpoints.name}/, found none; "
                "give a run such as runs/camvid/NAME, or fit with a ModelCheckpoint."
            )
        return max(found, key=lambda path: (stage_number(path), modified(path), path.name))


def checkpoint_of(path: str | Path) -> Path:
    """`path`, if it is not a folder; else the checkpoint in that run folder, see `RunLayout.find_checkpoint`."""
    path = as_path(path)
    return RunLayout(path).find_checkpoint() if path.is_dir() else path


def run_of(checkpoint: Path) -> Path | None:
    """The run folder of a checkpoint; None if the checkpoint is not in a run folder."""
    run = checkpoint.parent.parent
    return run if RunLayout(run).checkpoints == checkpoint.parent else None


def taken_line(best: Path) -> Iterator[str]:
    """Which checkpoint stands for its run folder, in one line; nothing outside of a run folder.

    Args:
        best: The best checkpoint of a fit.
    """
    run = run_of(best)
    if run is not None:
        taken, last = RunLayout(run).find_checkpoint(), RunLayout(run).last
        other = f"; name {last.name} for the last weights" if last.is_file() and taken != last else ""
        yield f"`triptych export RUN` takes {taken.name}{other}."


def previous(checkpoint: Path) -> Path:
    """Path of the checkpoint that `checkpoint` replaced."""
    return checkpoint.with_name(f"{_PREVIOUS}{checkpoint.name}")


def stage_key(number: int, name: str) -> str:
    """The name of a recipe's stage in file names; stages are numbered from 1."""
    return f"{number}-{name}"


def stage_number(checkpoint: Path) -> int:
    """The number of the stage that wrote a checkpoint; 0 if no stage did."""
    found = re.match(r"(\d+)-", checkpoint.name)
    return int(found[1]) if found else 0
