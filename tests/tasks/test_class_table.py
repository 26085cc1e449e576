"""The table of classes is complete, fits a terminal, and is printed once."""

import io

import torch
from rich.console import Console

from triptych.datasets.camvid_classes import OFFICIAL_NAMES
from triptych.tasks.tables import class_table

NAN = float("nan")


def drawn(names: list[str], support: list[int], scores: list[float]) -> list[str]:
    per_class = torch.tensor(scores)
    whole = {"mean_iou": torch.tensor(0.25), "void_masked_accuracy": torch.tensor(0.75)}
    columns = {"support": torch.tensor(support), "iou": per_class, "accuracy": per_class, "precision": per_class}
    console = Console(width=80, file=io.StringIO())
    console.print(class_table({**columns, **whole}, names, "validation, class by class"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_classes_stand_by_pixels_without_absent_ones_and_nan_is_a_dash() -> None:
    lines = drawn(["Sky", "Road", "Car", "Tree"], [10, 70, 0, 20], [0.5, 1.0, 0.9, NAN])
    assert [cells(line) for line in lines if line.startswith("│")] == [
        ["Road", "70.0%", "1.000", "1.000", "1.000"],
        ["Tree", "20.0%", "-", "-", "-"],
        ["Sky", "10.0%", "0.500", "0.500", "0.500"],
        ["all", "100.0%", "0.250", "0.750", ""],
    ]


def test_official_names_are_whole_in_80_columns() -> None:
    lines = drawn(list(OFFICIAL_NAMES), [1] * 32, [0.5] * 32)
    assert max(map(len, lines)) <= 80
    assert {cells(line)[0] for line in lines if line.startswith("│")} == {*OFFICIAL_NAMES, "all"}
