"""One stage of a run: its initial weights, its rate, its fit and its result."""

import contextlib
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import lightning as L
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from triptych.callbacks import ProgressBar, ResumePoint
from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.hard_examples import write_losses
from triptych.evaluation.top_losses import top_losses
from triptych.files import as_path, plain_path
from triptych.lr_finder import DEFAULT_RATE, LRSearch, asks_to_find, find_lr, with_found
from triptych.optim.max_lr import rates_in
from triptych.recipe.budget import replan
from triptych.recipe.data_settings import set_in_data
from triptych.recipe.deadline import Deadline
from triptych.recipe.features import features_cached
from triptych.recipe.last_validation import LastValidation
from triptych.recipe.logger import ContinuedLogger, StageAxis
from triptych.recipe.plan import StagePlan
from triptych.recipe.stage import LAST, FullStage
from triptych.recipe.state import RecipeState, StageResult
from triptych.runs.checkpoint import newest_readable, read_checkpoint
from triptych.runs.figures import log_figure
from triptych.runs.layout import RunLayout, previous, stage_key
from triptych.tasks.base import TransferTask
from triptych.tasks.score_report import NoScoreReport, ScoreReport
from triptych.tasks.training import OneCycleTraining
from triptych.trainer.memory import PeakMemory
from triptych.trainer.messages import no_info
from triptych.trainer.processes import say, shared
from triptych.trainer.settings import settings_of

_OWN_FILES = r"(Checkpoint|Experiment logs) directory .* exists and is not empty"
"""Lightning's warning about files of the previous stages."""


@dataclass(frozen=True)
class StageRun:
    """The next unfinished stage of a run.

    Args:
        model: The model.
        data: The data.
        arguments: See `shared_arguments`.
        state: State of the run; gets the stage's result.
        every_n_steps: Number of steps between two resume points; None saves by time, see `ResumePoint`.
        number: Number of the stage, from 1.
    """

    model: OneCycleTraining
    data: L.LightningDataModule
    arguments: Mapping[str, Any]
    state: RecipeState
    every_n_steps: int | None
    number: int

    @property
    def plan(self) -> StagePlan:
        """The plan of this stage."""
        return self.state.plans[self.number - 1]

    @property
    def first_step(self) -> int:
        """Number of steps of the previous stages."""
        return sum(result.steps for result in self.state.done)

    @property
    def first_epoch(self) -> int:
        """Number of epochs of the previous stages."""
        return sum(result.epochs for result in self.state.done)

    @property
    def earlier(self) -> list[StagePlan]:
        """The plans of the previous stages."""
        return self.state.plans[: self.number - 1]

    @property
    def key(self) -> str:
        """The stage's name in file names."""
        return stage_key(self.number, self.plan.stage.name)

    @property
    def layout(self) -> RunLayout:
        """The files of the run."""
        return RunLayout(self.state.folder)

    def run(self) -> None:
        """Trains the stage, from its start or from its last resume point."""
        began, peak = time.monotonic(), PeakMemory()
        interrupted = newest_readable(self.layout.stage_last(self.key))
        L.seed_everything(self.state.identity["seed"] + self.number, verbose=False)
        if interrupted is None and self.earlier:
            last_weights = self.layout.checkpoint(stage_key(self.number - 1, self.earlier[-1].stage.name))
            self.model.load_weights(read_checkpoint(last_weights))
        set_in_data(self.data, first_epoch=self.first_epoch)
        logger = self._logger(interrupted)
        self._ensure_losses()
        with self._features(interrupted):
            self._ensure_rate(logger)
            self._apply(self.state.max_lr[self.key])
            self._fit(logger, interrupted, began, peak)

    def _fit(self, logger: ContinuedLogger, interrupted: Path | None, began: float, peak: PeakMemory) -> None:
        """Trains, validates, and saves the result."""
        validation, axis = LastValidation(), StageAxis(self.first_step)
        deadline = self._deadline(time.monotonic() - began)
        trainer = self._trainer(logger, *filter(None, [axis, validation, deadline]))
        say(f"[bold]stage {self.number} of {len(self.state.plans)}: {self.plan.stage.name}[/bold]")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_OWN_FILES)
            trainer.fit(self.model, self.data, ckpt_path=interrupted and plain_path(interrupted), weights_only=True)
        is_validated = validation.step == trainer.global_step or not trainer.enable_validation
        if not is_validated:  # not after its last step, or interrupted then
            axis.before_last_step(trainer)
            logger.first_epoch -= 1
            logger.wait_for_new_file()
            trainer.validate(self.model, self.data, verbose=False)
        trainer.save_checkpoint(plain_path(self.layout.checkpoint(self.key)), weights_only=False)
        trainer.strategy.checkpoint_io.teardown()  # waits for one that writes in the background
        seconds = time.monotonic() - began
        result = self._result(trainer, validation.scored(self.model), None if interrupted else seconds, peak.bytes())
        self.state.done.append(result)
        if deadline is not None:
            self._replan(deadline, trainer.global_step, seconds)
        self.state.save()
        remove_resume_points(self.state)

    def _apply(self, max_lr: Any) -> None:
        self.plan.apply(self.model, self.data, max_lr, self.layout.losses(self.key))

    def _logger(self, interrupted: Path | None) -> ContinuedLogger:
        return ContinuedLogger(
            self.state.folder,
            first_step=self.first_step,
            first_epoch=self.first_epoch,
            resumed_at=0 if interrupted is None else read_checkpoint(interrupted)["global_step"],
        )

    def _features(self, interrupted: Path | None) -> contextlib.AbstractContextManager[None]:
        """Within the context, the features of the encoder are cached if the plan says so."""
        stage, count = self.plan.stage, self.plan.num_views
        if count:
            if interrupted is not None:
                self.model.load_weights(read_checkpoint(interrupted))  # the encoder's, before the fit loads all
            self._apply(with_found(stage.max_lr, DEFAULT_RATE))
            say(f"stage {stage.name}: the encoder computes features of {count} view{'s' * (count > 1)} of each sample")
        return features_cached(self.layout.features(self.key), count, stage, self.model, self.data, self.arguments)

    def _ensure_losses(self) -> None:
        """Writes the losses of the training samples if the stage needs them and they do not exist yet."""
        if self.plan.stage.sample_weights != LAST:
            return
        self.plan.apply(self.model, self.data, DEFAULT_RATE)
        error = shared(
            None if self.layout.losses(self.key).exists() else self._write_losses()
        )  # all processes wait for the file
        if error:
            raise error

    @rank_zero_only
    def _write_losses(self) -> Exception | None:
        with no_info():
            trainer = L.Trainer(**settings_of(self.arguments), logger=False, enable_checkpointing=False)
        try:
            self.model.to(trainer.strategy.root_device)
            model, data = cast(TransferTask, self.model), cast(TriptychDataModule, self.data)  # the plan has checked it
            write_losses(self.layout.losses(self.key), top_losses(model, data, split="train"))
        except (OSError, ValueError) as error:
            return error
        finally:
            self.model.cpu()
        return None

    def _ensure_rate(self, logger: ContinuedLogger) -> None:
        """Saves the peak rate in the state; runs a range test if it is to be found and not known yet."""
        rate = self.plan.stage.max_lr
        if self.key in self.state.max_lr:
            return
        if asks_to_find(rate):
            kept = float(rates_in(self.state.done[-1].max_lr)[-1]) if self.earlier else DEFAULT_RATE
            self._apply(with_found(rate, kept))
            search = find_lr({**self.arguments, "precision": self.plan.stage.precision}, self.model, self.data)
            self._publish(search, logger)
            rate = with_found(rate, search.rate)
        self.state.max_lr[self.key] = rate
        self.state.save()

    @rank_zero_only
    def _publish(self, search: LRSearch, logger: ContinuedLogger) -> None:
        say(search.table())
        search.save(self.layout.search(self.key))
        log_figure(self._loggers(logger), "lr_find", search.figure(), self.first_step)

    def _loggers(self, logger: ContinuedLogger) -> list[Logger]:
        """The given loggers and the recipe's own, which replaces one that would write the same files."""
        given: list[Logger] = self.arguments["logger"]
        replaced = [logger if self._is_own(one) else one for one in given]
        return replaced if logger in replaced else [*given, logger]

    def _is_own(self, logger: Logger) -> bool:
        folder = self.state.folder.absolute()
        return isinstance(logger, TensorBoardLogger) and as_path(logger.log_dir).absolute() == folder

    def _trainer(self, logger: ContinuedLogger, *callbacks: L.Callback) -> L.Trainer:
        last = self.layout.stage_last(self.key)
        resume_point = ResumePoint(self.every_n_steps, dirpath=str(last.parent), name=last.stem)
        changed: dict[str, Any] = {"logger": self._loggers(logger)}
        if self.arguments.get("check_val_every_n_epoch", 1) is not None:
            changed["check_val_every_n_epoch"] = self.plan.epochs_per_validation
        if self.number > 1:  # the hyper-parameters are those of the start, and MLflow refuses other values
            changed["enable_autolog_hparams"] = False
        for callback in self.arguments["callbacks"]:
            if isinstance(callback, ModelCheckpoint) and callback.dirpath is None:
                callback.dirpath = str(self.layout.checkpoints)  # else in the folder of the user's first logger
            if isinstance(callback, ProgressBar):
                callback.title = f"stage {self.number} of {len(self.state.plans)}"
        return stage_trainer(self.plan.stage, {**self.arguments, **changed}, [*callbacks, resume_point])

    def _deadline(self, seconds: float) -> Deadline | None:
        """The time limit under a budget, of which this stage spent `seconds` before its training."""
        if self.state.budget is None:
            return None
        return Deadline(self.state.plans[self.number - 1 :], self.state.budget - self.state.spent - seconds)

    def _replan(self, deadline: Deadline, steps: int, seconds: float) -> None:
        """Counts the time of this stage, and plans the stages that are left with what its epochs really took."""
        assert self.state.budget is not None
        planned = steps / self.plan.steps * self.plan.seconds_of_epoch
        pace = deadline.trained / planned if planned else 1.0
        pace, seconds = shared((pace, deadline.offset + seconds))
        self.state.spent += seconds
        if changed := replan(self.state, pace):
            minutes = f"{self.state.spent / 60:.1f} of {self.state.budget / 60:g} minutes spent"
            say(f"budget: {minutes}, {pace:.2f} times the planned time: {changed}.")

    def _result(self, trainer: L.Trainer, scored: dict[str, Any], seconds: float | None, memory: int) -> StageResult:
        stage = self.plan.stage
        return StageResult(
            name=stage.name,
            epochs=trainer.current_epoch,
            max_lr=self.state.max_lr[self.key],
            image_size=stage.image_size,
            batch_size=stage.batch_size,
            seconds=seconds,
            planned_seconds=self.plan.seconds,
            memory=memory,
            planned_memory=self.plan.memory,
            checkpoint=str(self.layout.checkpoint(self.key)),
            steps=trainer.global_step,
            **scored,
        )


def stage_trainer(stage: FullStage, arguments: Mapping[str, Any], callbacks: Sequence[L.Callback]) -> L.Trainer:
    """A Trainer for a fit of the stage, with the user's own callbacks and others.

    Args:
        stage: The stage.
        arguments: See `shared_arguments`.
        callbacks: Those of the recipe.
    """
    own = arguments["callbacks"]
    # run_recipe prints the report after the last stage
    silent = [] if any(isinstance(one, ScoreReport) for one in own) else [NoScoreReport()]
    together = [*own, *silent, *callbacks]
    with no_info():  # Lightning's lines about devices and precision, the same for every stage
        return L.Trainer(
            **{
                **arguments,
                **settings_of(arguments),
                "max_epochs": stage.epochs,
                "precision": stage.precision,
                "callbacks": together,
                "enable_checkpointing": any(isinstance(one, Checkpoint) for one in together),
            }
        )


@rank_zero_only
def remove_resume_points(state: RecipeState) -> None:
    """Removes the resume points of finished stages, which their checkpoints replace."""
    for number, result in enumerate(state.done, start=1):
        last = RunLayout(state.folder).stage_last(stage_key(number, result.name))
        for path in (last, previous(last)):
            path.unlink(missing_ok=True)
