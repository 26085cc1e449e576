"""What a recipe remembers in its folder, so that it can go on after it was killed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_only

from triptych.files import atomic_save
from triptych.recipe.plan import StagePlan
from triptych.recipe.stage import FullStage
from triptych.runs.layout import RunLayout


@dataclass(frozen=True)
class StageResult:
    """What came of a stage.

    Args:
        name: Of the stage.
        epochs: Epochs trained.
        max_lr: Peak of one-cycle, as found or typed.
        image_size: (height, width) in pixels.
        batch_size: Samples a batch.
        scores: Of the validation after its last epoch.
        seconds: How long it took; None where it was interrupted.
        planned_seconds: How long it was to take.
        memory: Peak in bytes; see `PeakMemory`.
        planned_memory: What was estimated.
        checkpoint: Its last weights.
    """

    name: str
    epochs: int
    max_lr: Any
    image_size: tuple[int, int]
    batch_size: int
    scores: dict[str, float]
    seconds: float | None
    planned_seconds: float
    memory: int
    planned_memory: int
    checkpoint: str


@dataclass
class RecipeState:
    """A recipe on its way.

    Args:
        folder: The run's folder.
        identity: What has to be the same for a run to go on: task, seed, and what no stage changes of model and data.
        stages: As they were asked for.
        plans: The same with the epochs that the budget left.
        max_lr: Peak of each stage that has begun, by its number and name.
        done: What came of the stages that are finished.
    """

    folder: Path
    identity: dict[str, Any]
    stages: list[FullStage] = field(default_factory=list)
    plans: list[StagePlan] = field(default_factory=list)
    max_lr: dict[str, Any] = field(default_factory=dict)
    done: list[StageResult] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path, identity: dict[str, Any], resume: bool) -> "RecipeState":
        """That of a new run, or where one is resumed, what its folder says.

        Raises:
            FileExistsError: A new run's folder is taken.
            ValueError: The folder of a run to resume is none, or that of a run with another identity.
        """
        path = RunLayout(folder).recipe
        if not resume:
            if path.exists():
                raise FileExistsError(f"{folder}: another run is in this folder; resume it, or name a new one.")
            return cls(folder, identity)
        if not path.is_file():
            raise ValueError(f"{folder}: expected the folder of a recipe to resume, got none (no {path.name} in it).")
        saved = json.loads(path.read_text(encoding="utf-8"))
        for name, value in identity.items():
            was = saved["identity"].get(name, value)
            if was != value:
                raise ValueError(f"{folder}: this run cannot go on, its {name} was {was}, now {value}.")
        return cls(
            folder,
            identity,
            stages=[_stage(stage) for stage in saved["stages"]],
            plans=[StagePlan(**{**plan, "stage": _stage(plan["stage"])}) for plan in saved["plans"]],
            max_lr=saved["max_lr"],
            done=[_result(one, folder) for one in saved["done"]],
        )

    @rank_zero_only
    def save(self) -> None:
        """Writes `recipe.json`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _save(RunLayout(self.folder).recipe, {**asdict(self), "folder": self.folder.name})

    @rank_zero_only
    def save_summary(self) -> None:
        """Writes `summary.json`: what came of the stages."""
        results = [asdict(result) for result in self.done]
        _save(RunLayout(self.folder).summary, {"task": self.identity["task"], "stages": results})


def read_results(folder: Path) -> list[StageResult]:
    """What came of the stages of a recipe that are finished; empty for a single fit."""
    path = RunLayout(folder).recipe
    saved = json.loads(path.read_text(encoding="utf-8"))["done"] if path.is_file() else []
    return [_result(one, folder) for one in saved]


def _stage(saved: Mapping[str, Any]) -> FullStage:
    return FullStage(**{**saved, "image_size": tuple(saved["image_size"])})


def _result(saved: Mapping[str, Any], folder: Path) -> StageResult:
    """A result, with its checkpoint where the folder is now."""
    checkpoint = RunLayout(folder).checkpoints / Path(saved["checkpoint"]).name
    return StageResult(**{**saved, "image_size": tuple(saved["image_size"]), "checkpoint": str(checkpoint)})


def _save(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1) + "\n"
    atomic_save(path, lambda half: half.write_text(text, encoding="utf-8"))
