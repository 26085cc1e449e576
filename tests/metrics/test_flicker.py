"""Flicker counts changed classes of pixels that hardly change, and no others."""

import math

import torch

from triptych.metrics.flicker import STILL, Flicker


def test_pixels_that_move_are_left_out_and_changed_ones_counted() -> None:
    flicker = Flicker()
    image, ids = torch.full((3, 2, 4), 100, dtype=torch.uint8), torch.zeros(2, 4, dtype=torch.int64)
    flicker.update(image, ids)
    assert math.isnan(flicker.compute())
    moved, changed = image.clone(), ids.clone()
    moved[1, 0, 0] += STILL + 1  # one channel is enough
    moved[2, 0, 1] -= STILL
    changed[0] = 1  # of four pixels, of which one moves
    flicker.update(moved, changed)
    assert flicker.compute() == 3 / 7
    flicker.update(moved, changed)
    assert flicker.compute() == 3 / 15
