"""The table of tags is complete and fits a terminal, and the line below it gives an honest gain."""

import io

import pytest
import torch
from rich.console import Console

from triptych.datasets.planet_tags import PLANET_TAGS
from triptych.metrics import TagScores
from triptych.metrics.thresholds import honest_gain
from triptych.tasks.tables import gain_line, tag_table


def lines_of(scores: dict[str, torch.Tensor], tags: list[str]) -> list[str]:
    console = Console(width=80, file=io.StringIO())
    console.print(tag_table(scores, tags, "validation, tag by tag, at threshold 0.5"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_tags_stand_by_tiles_without_absent_ones_and_both_means_say_of_how_many() -> None:
    preds = torch.tensor([[0.1, 0.9, 0.9, 0.1], [0.1, 0.9, 0.9, 0.1], [0.1, 0.1, 0.9, 0.1]])
    target = torch.tensor([[0, 1, 0, 0], [0, 1, 0, 1], [0, 1, 0, 0]])
    lines = lines_of(TagScores(0.5)(preds, target), ["cloudy", "primary", "road", "water"])
    assert [cells(line) for line in lines if line.startswith("│")] == [
        ["primary", "3", "1.000", "0.667", "0.714"],
        ["water", "1", "-", "0.000", "0.000"],
        ["mean of 2 tags", "", "", "", "0.357"],
        ["mean of tiles", "3", "", "", "0.444"],
    ]


def test_names_are_whole_in_80_columns() -> None:
    lines = lines_of(TagScores(0.5)(torch.rand(5, 17), torch.ones(5, 17)), list(PLANET_TAGS))
    assert max(map(len, lines)) <= 80
    assert {*PLANET_TAGS} <= {cells(line)[0] for line in lines if line.startswith("│")}


def test_the_line_gives_what_chosen_thresholds_gain_on_other_tiles() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = TagScores(0.2)(torch.rand(30, 4, generator=generator), torch.rand(30, 4, generator=generator) < 0.5)
    gain = honest_gain(scores["probabilities"], scores["target"], 0.2)
    assert gain_line(scores, 0.2) == (
        f"F2 on tiles that the thresholds were not chosen on: {gain['fixed']:.4f} at 0.2, {gain['single']:.4f} with "
        f"the best single one, {gain['per_tag']:.4f} with one for each tag."
    )


@pytest.mark.parametrize("count", [1, 2])
def test_a_single_tile_cannot_be_halved_and_two_can(count: int) -> None:
    line = gain_line(TagScores(0.2)(torch.full((count, 3), 0.5), torch.ones(count, 3)), 0.2)
    assert ("expected at least 2 tiles" in line) == (count == 1)
    assert "nan" not in line
