"""Tables of the scores per class, tag or point, for the terminal."""

from collections.abc import Callable, Mapping, Sequence

from rich.table import Table
from torch import Tensor

from triptych.metrics.thresholds import honest_gain


def class_table(scores: dict[str, Tensor], class_names: list[str], title: str) -> Table:
    """Scores of the classes with labelled pixels, most frequent first, and over all classes.

    Args:
        scores: What `SegmentationScores` computes.
        class_names: Names of the classes.
        title: Title of the table.
    """
    total = scores["support"].sum()
    table = _table(title, "class", ("pixels", "IoU", "accuracy", "precision"))
    _add_rows(table, scores, class_names, ("iou", "accuracy", "precision"), lambda support: f"{support / total:.1%}")
    table.add_row("all", "100.0%", _score(scores["mean_iou"]), _score(scores["void_masked_accuracy"]), "")
    return table


def tag_table(scores: dict[str, Tensor], tags: list[str], title: str) -> Table:
    """Scores of the tags that some tile has, most frequent first, and their means.

    Args:
        scores: What `TagScores` computes.
        tags: Names of the tags.
        title: Title of the table.
    """
    table = _table(title, "tag", ("tiles", "precision", "recall", "F2"))
    _add_rows(table, scores, tags, ("precision", "recall", "tag_f2"))
    table.add_row(f"mean of {int(scores['tags_with_support'])} tags", "", "", "", _score(scores["macro_f2"]))
    table.add_row("mean of tiles", str(len(scores["target"])), "", "", _score(scores["f2"]))
    return table


def point_table(scores: dict[str, Tensor], point_names: list[str], title: str) -> Table:
    """Mean error of each point that some image has, the largest first, and over all points.

    Args:
        scores: What `PointScores` computes for so many points.
        point_names: Names of the points.
        title: Title of the table.
    """
    table = _table(title, "point", ("images", "error in pixels"))
    for i in scores["point_error_px"].nan_to_num(-1).argsort(descending=True).tolist():
        if scores["support"][i] > 0:
            table.add_row(point_names[i], str(int(scores["support"][i])), f"{scores['point_error_px'][i]:.2f}")
    table.add_section()
    table.add_row("all", "", f"{scores['error_px']:.2f}")
    return table


def category_table(scores: dict[str, Tensor], categories: list[str], title: str) -> Table:
    """Scores of the categories with samples, most frequent first, and over all of them.

    Args:
        scores: What `CategoryScores` computes.
        categories: Names of the categories.
        title: Title of the table.
    """
    table = _table(title, "category", ("samples", "precision", "recall", "F1"))
    _add_rows(table, scores, categories, ("precision", "recall", "category_f1"))
    table.add_row("mean", str(int(scores["support"].sum())), "", "", _score(scores["f1"]))
    table.add_row("accuracy", "", "", "", _score(scores["accuracy"]))
    return table


def gain_line(scores: dict[str, Tensor], threshold: float) -> str:
    """F2 with fixed and with chosen thresholds, in one line.

    Args:
        scores: What `TagScores` computes.
        threshold: The fixed threshold to compare with.
    """
    if len(scores["target"]) < 2:
        return "F2 with chosen thresholds: expected at least 2 tiles, to choose on one and score on the other, got 1."
    gain = honest_gain(scores["probabilities"], scores["target"], threshold)
    return (
        f"F2 on tiles that the thresholds were not chosen on: {gain['fixed']:.4f} at {threshold}, "
        f"{gain['single']:.4f} with the best single one, {gain['per_tag']:.4f} with one for each tag."
    )


def _table(title: str, first: str, headings: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _add_rows(
    table: Table,
    scores: Mapping[str, Tensor],
    names: Sequence[str],
    columns: Sequence[str],
    amount: Callable[[Tensor], str] = lambda support: str(int(support)),
) -> None:
    """Adds a row for each name with support, most frequent first, and ends the section; `amount` writes the support."""
    support = scores["support"]
    for i in support.argsort(descending=True).tolist():
        if support[i] > 0:
            table.add_row(names[i], amount(support[i]), *(_score(scores[column][i]) for column in columns))
    table.add_section()


def _score(value: Tensor) -> str:
    return "-" if value.isnan() else f"{value:.3f}"
