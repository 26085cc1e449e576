"""Writing a run's report."""

from datetime import datetime
from pathlib import Path

from triptych.datamodules.base import TriptychDataModule
from triptych.draw.page import page, pairs
from triptych.files import as_path, atomic_save
from triptych.report.examination import validation_sections
from triptych.report.sections import configuration, curves, machine, scores, searches, stages
from triptych.runs.checkpoint import best_score, read_checkpoint
from triptych.runs.layout import RunLayout
from triptych.runs.log import read_run
from triptych.tasks.load import load_model


def write_report(run: str | Path, output: str | Path | None = None, data: TriptychDataModule | None = None) -> Path:
    """Writes a report about a run: one HTML file that needs no other file and no network.

    It shows scores, a recipe's plan and results, curves, learning-rate searches, the tables and worst samples of a new
    validation, the environment and the configuration. If the data no longer exist, a sentence replaces the validation.

    Args:
        run: Folder of a fit or a recipe, finished or still running.
        output: The file to write; None means `report.html` in the run folder.
        data: Data to validate on; None takes the data of the run's `config.yaml`, which a run of a script lacks.

    Returns:
        Path of the file.

    Raises:
        FileNotFoundError: The folder has no logs or no checkpoint, or the files of `data` do not exist.
        IsADirectoryError: `output` is a folder.
        ValueError: `data` are of another task than the model, or their validation split is empty.
    """
    folder = as_path(run)
    file = RunLayout(folder).report if output is None else as_path(output)
    if file.is_dir():
        raise IsADirectoryError(f"{file}: expected the path of a file to write, got a folder.")
    log, path = read_run(folder), RunLayout(folder).find_checkpoint()
    model = load_model(path)
    summary = {
        "model": f"{type(model).__name__} with {model.encoder_name}",
        "checkpoint": path.relative_to(folder),
        "score": best_score(path),
        "report written": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    }
    sections = [
        scores(log, path),
        *stages(log),
        curves(log),
        *searches(log),
        *validation_sections(model, data, log),
        machine(read_checkpoint(path)),
        configuration(log),
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    html = page("triptych report", log.name, pairs(summary), sections)
    atomic_save(file, lambda part: part.write_text(html, encoding="utf-8"))
    return file
