"""What a model does on the validation samples, looked at once more for the report."""

import lightning as L
from rich.table import Table

from triptych.datamodules.base import TriptychDataModule
from triptych.errors import MissingDataError, one_line
from triptych.evaluation.evaluate import evaluating
from triptych.report.page import Html, Section, picture, table, text
from triptych.report.saved_data import saved_data
from triptych.runs.log import RunLog
from triptych.show.top_losses import mistake_figures
from triptych.tasks.base import TransferTask
from triptych.tasks.score_report import NoScoreReport
from triptych.trainer.messages import no_info

_WORST = 9
_TITLES = ("Validation", "Worst samples")


def examined(model: TransferTask, data: TriptychDataModule | None, log: RunLog) -> list[Section]:
    """Scores and tables, and the worst samples; where the run's own data are gone, a sentence in their place.

    Args:
        model: The model.
        data: Its data; None takes those that the run's configuration names.
        log: The run's.

    Raises:
        FileNotFoundError: `data` were given, and are not there.
        ValueError: `data` were given, and are of another task, or their validation split is empty.
    """
    if data is not None:
        return _sections(model, data)
    try:
        data = saved_data(log.folder)
        data.setup("validate")
    except (OSError, ValueError) as error:
        hint = " Data that have moved are named with --root DIR." if isinstance(error, MissingDataError) else ""
        missing = text(f"Left out, since it takes the data of the run. {one_line(error)}{hint}")
        return [Section(title, [missing]) for title in _TITLES]
    return _sections(model, data)


def _sections(model: TransferTask, data: TriptychDataModule) -> list[Section]:
    with no_info():
        trainer = L.Trainer(
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[NoScoreReport()],
        )
    model.to(trainer.strategy.root_device)
    with evaluating(model, data) as evaluation:
        worst, confusion = mistake_figures(evaluation, _WORST)
    validation = [text("The checkpoint, validated once more for this report:"), *_validation(trainer, model, data)]
    if confusion:
        validation.append(picture(confusion, "What is taken for what in the validation samples", "svg"))
    said = text("The validation samples with the highest losses, the worst first.")
    pictures = picture(worst, "The validation samples with the highest losses", "png")
    return [Section(_TITLES[0], validation), Section(_TITLES[1], [said, pictures])]


def _validation(trainer: L.Trainer, model: TransferTask, data: TriptychDataModule) -> list[Html]:
    """Scores of the whole split, and the task's own tables."""
    with no_info():
        (scores,) = trainer.validate(model, data, verbose=False)
    shown = Table("score")
    shown.add_column("value", justify="right")
    for name, value in scores.items():
        shown.add_row(name, f"{value:#.4g}")
    tables = [table(part) if isinstance(part, Table) else text(str(part)) for part in model.report("validation")]
    return [table(shown), *tables]
