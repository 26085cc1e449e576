"""Class ids in the size of a file are those of the whole resized logits, in strips that do not grow with the file."""

import random

import pytest
import torch
from largest import Largest
from torch import Tensor
from torch.nn import functional as F

from triptych.models import class_ids
from triptych.models.class_ids import resized_ids


def random_case(seed: int) -> tuple[Tensor, tuple[int, int]]:
    """Logits and a size, larger or smaller."""
    draw = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(draw.randint(2, 12), draw.randint(1, 40), draw.randint(1, 40), generator=generator)
    return logits, (draw.randint(1, 200), draw.randint(1, 200))


@pytest.mark.parametrize("seed", range(40))
def test_strips_give_the_ids_of_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, size = random_case(seed)
    whole = resized_ids(logits, size)
    assert (whole.dtype, tuple(whole.shape)) == (torch.uint8, size)
    assert torch.equal(whole, F.interpolate(logits[None], size, mode="bilinear")[0].argmax(dim=0))
    for rows in (1, 3, 7):
        monkeypatch.setattr(class_ids, "_STRIP_VALUES", rows * len(logits) * size[1])
        assert torch.equal(resized_ids(logits, size), whole)


def test_resized_logits_have_the_same_bits_in_any_strip_and_are_torchs_within_rounding() -> None:
    for seed in range(20):
        logits, (height, width) = random_case(seed)
        whole = class_ids._resized_rows(logits, slice(0, height), height, width)
        torch.testing.assert_close(whole, F.interpolate(logits[None], (height, width), mode="bilinear")[0])
        rows = slice(height // 3, height // 2 + 1)
        assert torch.equal(class_ids._resized_rows(logits, rows, height, width), whole[:, rows])


def test_logits_of_the_files_own_size_are_taken_as_they_are() -> None:
    logits = torch.randn(5, 30, 20, generator=torch.Generator().manual_seed(0))
    assert torch.equal(resized_ids(logits, (30, 20)), logits.argmax(dim=0))


def test_of_equal_logits_the_first_class_is_taken() -> None:
    assert resized_ids(torch.zeros(4, 3, 3), (9, 9)).max() == 0


def test_no_array_on_the_way_is_larger_than_a_strip_or_the_result() -> None:
    logits = torch.randn(32, 12, 16, generator=torch.Generator().manual_seed(0))
    with Largest() as largest:
        resized_ids(logits, (1000, 2000))
    assert largest.bytes <= 4 * class_ids._STRIP_VALUES < 32 * 4 * 1000 * 2000 / 30
