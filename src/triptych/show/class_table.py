"""The scores of each class, as a table for the terminal."""

from rich.table import Table
from torch import Tensor


def class_table(scores: dict[str, Tensor], class_names: list[str], title: str) -> Table:
    """Scores of the classes that are labelled anywhere, most pixels first, and of the whole.

    Args:
        scores: What `SegmentationScores` computes.
        class_names: Names of the classes.
        title: Above the table.
    """
    total = scores["support"].sum()
    table = Table(title=title, title_justify="left")
    table.add_column("class")
    for heading in ("pixels", "IoU", "accuracy", "precision"):
        table.add_column(heading, justify="right")
    for i in scores["support"].argsort(descending=True).tolist():
        if scores["support"][i] > 0:
            columns = (scores[name][i] for name in ("iou", "accuracy", "precision"))
            table.add_row(class_names[i], f"{scores['support'][i] / total:.1%}", *(_score(value) for value in columns))
    table.add_section()
    table.add_row("all", "100.0%", _score(scores["mean_iou"]), _score(scores["void_masked_accuracy"]), "")
    return table


def _score(value: Tensor) -> str:
    return "-" if value.isnan() else f"{value:.3f}"
