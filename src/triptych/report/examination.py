"""The sections of a report that need data: a new validation, and the worst samples."""

from dataclasses import replace

from rich.table import Table

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.saved_data import saved_data
from triptych.draw.page import Html, Section, picture, table, text
from triptych.errors import MissingDataError, one_line
from triptych.evaluation.evaluate import evaluating
from triptych.evaluation.validate import validate
from triptych.runs.log import RunLog
from triptych.show.top_losses import mistake_figures
from triptych.tasks.base import TransferTask

_NUM_WORST = 9
_TITLES = ("Validation", "Worst samples")


def validation_sections(model: TransferTask, data: TriptychDataModule | None, log: RunLog) -> list[Section]:
    """Scores and tables, and the worst samples; if the run's own data are missing, a sentence that says so.

    Args:
        model: The model.
        data: Data of the model's task; None takes the data of the run's configuration.
        log: Log of the run.

    Raises:
        FileNotFoundError: The files of the given `data` do not exist.
        ValueError: The given `data` are of another task, or their validation split is empty.
    """
    if data is not None:
        return _sections(model, data)
    try:
        data = saved_data(log.folder)
        data.setup("validate")
    except (OSError, ValueError) as error:
        hint = " If the data were moved, pass --root DIR." if isinstance(error, MissingDataError) else ""
        reason = text(f"Left out, because it needs the data of the run. {one_line(error)}{hint}")
        return [Section(title, [reason]) for title in _TITLES]
    return _sections(model, data)


def _sections(model: TransferTask, data: TriptychDataModule) -> list[Section]:
    with evaluating(model, data) as evaluation:
        worst, confusion = mistake_figures(evaluation, _NUM_WORST)
    validation = [text("The checkpoint, validated again for this report:"), *_validation(model, data)]
    if confusion:
        validation.append(
            picture(confusion, "Errors by class, tag, category or point in the validation samples", "svg")
        )
    explanation = text("The validation samples with the highest losses, worst first.")
    figure = picture(worst, "The validation samples with the highest losses", "png")
    return [Section(_TITLES[0], validation), Section(_TITLES[1], [explanation, figure])]


def _validation(model: TransferTask, data: TriptychDataModule) -> list[Html]:
    """Scores of the whole split, and the tables of the task."""
    logged = {name.removeprefix("val/"): value for name, value in validate(model, data).items()}
    assert model.split_scores is not None
    parts = [replace(model.split_scores, values=logged).table(), *model.report("validation")]
    return [table(part) if isinstance(part, Table) else text(str(part)) for part in parts]
