"""The average of values from frame to frame, by hand."""

import pytest
import torch

from triptych.models.running_average import RunningAverage


def test_the_average_goes_on_from_batch_to_batch_as_by_hand() -> None:
    values = torch.rand(7, 3, generator=torch.Generator().manual_seed(0))
    expected, average = [], values[0]
    for value in values:
        average = 0.7 * average + 0.3 * value
        expected.append(average)
    running = RunningAverage(0.7)
    found = torch.cat([running(values[:1]), running(values[1:4]), running(values[4:])])
    torch.testing.assert_close(found, torch.stack(expected))


def test_without_smoothing_values_stay_as_they_are() -> None:
    values = torch.rand(4, 2)
    assert torch.equal(RunningAverage(0)(values), values)


@pytest.mark.parametrize("smooth", [-0.1, 1.0, 2.0])
def test_a_weight_out_of_range_is_refused(smooth: float) -> None:
    with pytest.raises(ValueError, match=f"smooth: expected a number from 0 up to, but without, 1, got {smooth:g}"):
        RunningAverage(smooth)
