"""One-cycle follows fastai's formula for each group at every step."""

import math

import pytest
import torch
from torch import nn

from triptych.optim import adamw, one_cycle

PEAKS = [1e-5, 1e-4, 1e-3]


def sched_cos(start: float, end: float, pos: float) -> float:
    """Fastai 2, `callback/schedule.py`."""
    return start + (1 + math.cos(math.pi * (1 - pos))) * (end - start) / 2


def combined_cos(pct: float, start: float, middle: float, end: float, pos: float) -> float:
    """Fastai 2, `callback/schedule.py`: up to `middle` at `pct`, then down to `end`."""
    return sched_cos(start, middle, pos / pct) if pos < pct else sched_cos(middle, end, (pos - pct) / (1 - pct))


def position(step: int, total: int, pct: float) -> float:
    """Where in fastai's cycle PyTorch's is at a step: its peak and its end come one step sooner, its start does not.

    Fastai is at `step / total`, so its last step is one short of the end; PyTorch's last step is the end.
    """
    last_rise = pct * total - 1
    return pct * step / last_rise if step < last_rise else (step + 1) / total


def curve(total: int, pct: float) -> tuple[list[list[float]], list[float]]:
    """Rates of the three groups, and momentum, used in each of the optimizer's steps."""
    groups = {f"group {i}": [nn.Parameter(torch.zeros(1))] for i in range(3)}
    optimizer = adamw(groups, [PEAKS[0], PEAKS[-1]], weight_decay=0.01)
    schedule = one_cycle(optimizer, total, pct)
    rates, momenta = [], []
    for _ in range(total):
        rates.append([group["lr"] for group in optimizer.param_groups])
        (momentum,) = {group["betas"][0] for group in optimizer.param_groups}
        momenta.append(momentum)
        optimizer.step()
        schedule.step()
    return rates, momenta


@pytest.mark.parametrize(("total", "pct"), [(40, 0.25), (100, 0.3), (37, 0.25), (20, 0.9)])
def test_rates_and_momentum_follow_fastais_formula_at_every_step(total, pct) -> None:
    rates, momenta = curve(total, pct)
    for step in range(total):
        pos = position(step, total, pct)
        expected = [combined_cos(pct, peak / 25, peak, peak / 1e5, pos) for peak in PEAKS]
        assert rates[step] == pytest.approx(expected, rel=1e-9, abs=1e-15)
        assert momenta[step] == pytest.approx(combined_cos(pct, 0.95, 0.85, 0.95, pos))


def test_rates_are_never_more_than_one_step_ahead_of_fastais() -> None:
    rates, _ = curve(40, 0.25)
    fastai = [combined_cos(0.25, 1e-3 / 25, 1e-3, 1e-8, step / 40) for step in range(41)]
    for step in range(40):
        low, high = sorted(fastai[step : step + 2])
        assert low * (1 - 1e-9) <= rates[step][-1] <= high * (1 + 1e-9)


def test_cycle_starts_at_peak_over_25_and_ends_at_peak_over_100000() -> None:
    rates, momenta = curve(40, 0.25)
    assert rates[0] == pytest.approx([peak / 25 for peak in PEAKS])
    assert rates[9] == pytest.approx(PEAKS)
    assert rates[-1] == pytest.approx([peak / 1e5 for peak in PEAKS])
    assert [momenta[0], momenta[9], momenta[-1]] == pytest.approx([0.95, 0.85, 0.95])


def test_groups_keep_their_ratios_at_every_step() -> None:
    for first, middle, last in curve(24, 0.25)[0]:
        assert (middle / first, last / middle) == (pytest.approx(10), pytest.approx(10))


@pytest.mark.parametrize(("total", "pct"), [*((n, 0.25) for n in range(1, 9)), (2, 0.5), (5, 0.2), (10, 0.1)])
def test_fits_of_a_few_steps_stay_below_the_peak_and_end_low(total, pct) -> None:
    rates, momenta = curve(total, pct)
    assert all(0 < rate <= peak * (1 + 1e-9) for step in rates for rate, peak in zip(step, PEAKS, strict=True))
    assert rates[-1] == pytest.approx([peak / 1e5 for peak in PEAKS])
    assert all(0.85 - 1e-9 <= momentum <= 0.95 + 1e-9 for momentum in momenta)


@pytest.mark.parametrize(("total", "pct"), [(4, 0.25), (2, 0.5), (10, 0.1)])
def test_a_rise_of_a_single_step_starts_low(total, pct) -> None:
    """Where PyTorch divides by zero."""
    rates, momenta = curve(total, pct)
    assert rates[0] == pytest.approx([peak / 25 for peak in PEAKS])
    assert momenta[0] == pytest.approx(0.95)
