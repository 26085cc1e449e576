"""The state of a recipe, saved in its folder so that it can be resumed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_only

from triptych.files import atomic_save
from triptych.recipe.plan import StagePlan
from triptych.recipe.stage import FullStage
from triptych.runs.identity import first_difference
from triptych.runs.layout import RunLayout


@dataclass(frozen=True)
class StageResult:
    """The result of a stage.

    Args:
        name: Name of the stage.
        epochs: Number of epochs that were trained; the budget may have ended the last one early.
        max_lr: Peak learning rate of one-cycle, found or given.
        image_size: (height, width) in pixels; None if the data have none.
        batch_size: Samples per batch; None if the data have none.
        scores: Scores of the validation after the last epoch.
        seconds: Duration; None if the stage was interrupted.
        planned_seconds: Estimated duration.
        memory: Peak memory in bytes; see `PeakMemory`.
        planned_memory: Estimated peak memory in bytes.
        checkpoint: Path of the checkpoint with its last weights.
        steps: Number of optimizer steps.
        over: What was scored, such as `valid.txt, 101 frames`; empty if it is unknown.
        intervals: Bounds of the 95 % interval of scores, by name.
        drawn: What the draws of the intervals are of, such as `101 frames`.
    """

    name: str
    epochs: int
    max_lr: Any
    image_size: tuple[int, int] | None
    batch_size: int | None
    scores: dict[str, float]
    seconds: float | None
    planned_seconds: float
    memory: int
    planned_memory: int
    checkpoint: str
    steps: int
    over: str = ""
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    drawn: str = ""


@dataclass
class RecipeState:
    """The state of a recipe.

    Args:
        folder: The run's folder.
        identity: What must be the same when a run is resumed: task, seed, and what no stage changes of model and data.
        stages: The stages as requested.
        plans: Their plans, with the epochs that fit the budget.
        max_lr: Peak learning rate of each stage that has started, by `stage_key`.
        done: Results of the finished stages.
        budget: Time in seconds for plan and stages; None without a limit.
        spent: Seconds of the budget that the plan and the finished stages took.
    """

    folder: Path
    identity: dict[str, Any]
    stages: list[FullStage] = field(default_factory=list)
    plans: list[StagePlan] = field(default_factory=list)
    max_lr: dict[str, Any] = field(default_factory=dict)
    done: list[StageResult] = field(default_factory=list)
    budget: float | None = None
    spent: float = 0.0

    @classmethod
    def open(cls, folder: Path, identity: dict[str, Any], resume: bool) -> "RecipeState":
        """A new state, or the saved one when resuming.

        Raises:
            FileExistsError: Another run, a recipe or a fit, is in the folder of a new one.
            ValueError: The folder to resume holds no recipe, or one with another identity.
        """
        path = RunLayout(folder).recipe
        if not resume:
            if path.exists():
                raise FileExistsError(f"{folder}: another run is in this folder; resume it, or name a new one.")
            if found := RunLayout(folder).traces():
                raise FileExistsError(
                    f"{folder}: expected a folder for a recipe, got that of a fit (it has {found[0].name}); "
                    "name a new one."
                )
            return cls(folder, identity)
        if not path.is_file():
            raise ValueError(f"{folder}: expected the folder of a recipe to resume, got none (no {path.name} in it).")
        saved = json.loads(path.read_text(encoding="utf-8"))
        if difference := first_difference(saved["identity"], identity):
            raise ValueError(f"{folder}: this run cannot be resumed: its {difference}.")
        return cls(
            folder,
            identity,
            stages=[_stage(stage, saved) for stage in saved["stages"]],
            plans=[StagePlan(**{**plan, "stage": _stage(plan["stage"], saved)}) for plan in saved["plans"]],
            max_lr=saved["max_lr"],
            done=_results(saved, folder),
            budget=saved.get("budget"),
            spent=saved.get("spent", 0.0),
        )

    @rank_zero_only
    def save(self) -> None:
        """Writes `recipe.json`, in the first process."""
        self.write()

    def write(self) -> None:
        """Writes `recipe.json`, in this process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _save(RunLayout(self.folder).recipe, {**asdict(self), "folder": self.folder.name})

    @rank_zero_only
    def save_summary(self) -> None:
        """Writes `summary.json`: the results of the stages."""
        results = [asdict(result) for result in self.done]
        _save(RunLayout(self.folder).summary, {"task": self.identity["task"], "stages": results})


def read_results(folder: Path) -> list[StageResult]:
    """The results of a recipe's finished stages; empty for a single fit."""
    path = RunLayout(folder).recipe
    return _results(json.loads(path.read_text(encoding="utf-8")), folder) if path.is_file() else []


def _stage(stage: Mapping[str, Any], saved: Mapping[str, Any]) -> FullStage:
    """A stage of a saved state; before stages had a `train_bn` of their own, it was the model's."""
    train_bn = saved["identity"].get("model.train_bn", True)
    return FullStage(**{"train_bn": train_bn, **stage, "image_size": _size(stage)})


def _size(saved: Mapping[str, Any]) -> tuple[int, int] | None:
    size = saved["image_size"]
    return None if size is None else (size[0], size[1])


def _results(saved: Mapping[str, Any], folder: Path) -> list[StageResult]:
    """The results in `recipe.json`; release 0.1.0 saved no steps, and took all that were planned."""
    planned = [{"steps": plan["steps"] * plan["stage"]["epochs"]} for plan in saved["plans"]]
    return [_result({**plan, **result}, folder) for plan, result in zip(planned, saved["done"], strict=False)]


def _result(saved: Mapping[str, Any], folder: Path) -> StageResult:
    """A result; the path of its checkpoint follows the folder, which may have moved."""
    checkpoint = RunLayout(folder).checkpoints / Path(saved["checkpoint"]).name
    return StageResult(**{**saved, "image_size": _size(saved), "checkpoint": str(checkpoint)})


def _save(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1) + "\n"
    atomic_save(path, lambda part: part.write_text(text, encoding="utf-8"))
