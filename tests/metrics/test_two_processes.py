"""Two processes that split the pixels unevenly get the numbers of one; run as a script, this file is such a process."""

import json
import sys
from pathlib import Path

import pytest
import torch
from other_process import script

from triptych import VoidMaskedAccuracy
from triptych.metrics import PointScores, SegmentationScores, TagScores

VOID = 2
PARTS = {"3 and 2 batches": [[0, 2, 4], [1, 3]], "all labels in one": [[0, 1, 2, 3, 4], [5]]}
"""Numbers of the batches that each process gets."""


def batch(number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Batch 5 is all void."""
    generator = torch.Generator().manual_seed(number)
    scores = torch.randn(1 + number, 4, 5, 3 + number, generator=generator)
    target = torch.randint(4, (1 + number, 5, 3 + number), generator=generator)
    return scores, torch.full_like(target, VOID) if number == 5 else target


def points(number: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(number)
    target = 2 * torch.rand(1 + number, 2, 2, generator=generator) - 1
    off = 0.03 * torch.randn(1 + number, 2, 2, generator=generator)
    preds = target + off
    target[torch.rand(1 + number, 2, generator=generator) < 0.3] = torch.nan  # missing points
    return preds, target, torch.randint(100, 700, (1 + number, 2), generator=generator)


def tags(number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Batch 5 is empty."""
    generator = torch.Generator().manual_seed(number)
    count = 0 if number == 5 else 1 + number
    return torch.rand(count, 4, generator=generator), torch.rand(count, 4, generator=generator) < 0.4


def scores_of(numbers: list[int]) -> dict[str, float | list[float]]:
    accuracy, scores, places = VoidMaskedAccuracy(VOID), SegmentationScores(4, VOID), PointScores(2)
    of_tags = TagScores(0.4)
    for number in numbers:
        accuracy.update(*batch(number))
        scores.update(*batch(number))
        of_tags.update(*tags(number))
        if number != 5:  # so that one process sees no points at all
            places.update(*points(number))
    tag_scores = {name: value for name, value in of_tags.compute().items() if name not in ("probabilities", "target")}
    many = {**scores.compute(), **places.compute(), "tags": torch.cat([v.flatten() for v in tag_scores.values()])}
    return {"accuracy": accuracy.compute().item(), **{name: value.tolist() for name, value in many.items()}}


@pytest.mark.slow
def test_two_processes_get_the_numbers_of_one(tmp_path: Path) -> None:
    output = [tmp_path / f"{rank}.txt" for rank in (0, 1)]
    local = {"GLOO_SOCKET_IFNAME": "lo"}
    processes = [script([__file__, str(rank), str(tmp_path / "store")], output[rank], local) for rank in (0, 1)]
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0], output[0].read_text()
    answers = [json.loads(printed.read_text().splitlines()[-1]) for printed in output]  # after warnings
    for name, parts in PARTS.items():
        expected = json.dumps(scores_of([number for part in parts for number in part]))
        assert [json.dumps(answer[name]) for answer in answers] == [expected, expected]


def main(rank: int, store: str) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    print(json.dumps({name: scores_of(parts[rank]) for name, parts in PARTS.items()}))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
