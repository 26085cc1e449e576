"""One-cycle follows fastai's formula for each group at every step, and can be stopped, saved and rescheduled."""

import io
import math
import random
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from triptych.optim import OneCycle, adamw

PEAKS = [1e-5, 1e-4, 1e-3]
RANDOM_CASES = [(total, random.Random(total).uniform(0.02, 0.98)) for total in (3, 7, 19, 50, 133)]

Point = tuple[list[float], float]
"""The rates of the three groups, and momentum."""


def sched_cos(start: float, end: float, pos: float) -> float:
    """Fastai 2, `callback/schedule.py`."""
    return start + (1 + math.cos(math.pi * (1 - pos))) * (end - start) / 2


def combined_cos(pct: float, start: float, middle: float, end: float, pos: float) -> float:
    """Fastai 2, `callback/schedule.py`: up to `middle` at `pct`, then down to `end`."""
    return sched_cos(start, middle, pos / pct) if pos < pct else sched_cos(middle, end, (pos - pct) / (1 - pct))


def fastai_at(pos: float, pct: float) -> Point:
    """What fastai's `fit_one_cycle` sets at a fraction of the training; before step k of n that is k / n."""
    return [combined_cos(pct, peak / 25, peak, peak / 1e5, pos) for peak in PEAKS], combined_cos(
        pct, 0.95, 0.85, 0.95, pos
    )


def fastai1(total: int, pct: float) -> list[Point]:
    """What fastai 1's `OneCycleScheduler` sets before each step, and after the last: its two phases step by step."""
    rising = int(total * pct)
    points = []
    for step in range(total + 1):
        falls, n_iter = step >= rising, (total - rising) if step >= rising else rising
        part = (step - rising) / n_iter if falls else step / n_iter
        low, peak, momentum = (1, 1 / 250_000, (0.85, 0.95)) if falls else (1 / 25, 1, (0.95, 0.85))
        points.append(
            ([sched_cos(low * rate, peak * rate, part) for rate in PEAKS], sched_cos(momentum[0], momentum[1], part))
        )
    return points


def cycle(total: float, pct: float = 0.25, version: Any = "fastai2") -> tuple[Optimizer, OneCycle]:
    groups = {f"group {i}": [nn.Parameter(torch.zeros(1))] for i in range(3)}
    optimizer = adamw(groups, [PEAKS[0], PEAKS[-1]], weight_decay=0.01)
    return optimizer, OneCycle(optimizer, total, pct, version)


def now(optimizer: Optimizer) -> Point:
    (momentum,) = {group["betas"][0] for group in optimizer.param_groups}
    return [group["lr"] for group in optimizer.param_groups], momentum


def walk(optimizer: Optimizer, schedule: OneCycle, steps: int) -> list[Point]:
    """What the optimizer uses in each of some steps, and what is set after the last of them."""
    points = []
    for _ in range(steps):
        points.append(now(optimizer))
        optimizer.step()
        schedule.step()
    return [*points, now(optimizer)]


def resumed(
    optimizer: Optimizer, schedule: OneCycle, total: int, pct: float = 0.25, version: Any = "fastai2"
) -> tuple[Optimizer, OneCycle]:
    """A cycle of `total` steps that is given the state of another, as a checkpoint keeps it."""
    file = io.BytesIO()
    torch.save([optimizer.state_dict(), schedule.state_dict()], file)
    file.seek(0)
    optimizer_state, schedule_state = torch.load(file, weights_only=True)
    optimizer, schedule = cycle(total, pct, version)
    optimizer.load_state_dict(optimizer_state)
    schedule.load_state_dict(schedule_state)
    if total > schedule.last_epoch:
        schedule.plan(total - schedule.last_epoch)
    return optimizer, schedule


def assert_close(points: list[Point], expected: list[Point]) -> None:
    assert len(points) == len(expected)
    for (rates, momentum), (expected_rates, expected_momentum) in zip(points, expected, strict=True):
        assert rates == pytest.approx(expected_rates, rel=1e-9, abs=1e-16)
        assert momentum == pytest.approx(expected_momentum, rel=1e-9)


@pytest.mark.parametrize(("total", "pct"), [(40, 0.25), (100, 0.3), (20, 0.9), *RANDOM_CASES])
def test_rates_and_momentum_follow_fastais_formula_at_every_step(total: int, pct: float) -> None:
    assert_close(walk(*cycle(total, pct), total), [fastai_at(step / total, pct) for step in range(total + 1)])


@pytest.mark.parametrize(("total", "pct"), [(40, 0.3), (7, 0.3), (20, 0.9), (11, 0.8), (100, 0.29), *RANDOM_CASES[1:]])
def test_version_1_rises_in_whole_steps_and_ends_at_peak_over_250000(total: int, pct: float) -> None:
    points = walk(*cycle(total, pct, "fastai1"), total)
    assert_close(points, fastai1(total, pct))
    assert points[int(total * pct)][0] == pytest.approx(PEAKS, rel=1e-15)
    assert points[-1][0] == pytest.approx([peak / 250_000 for peak in PEAKS])


def test_a_fit_of_version_1_too_short_to_rise_in_a_step_starts_low_all_the_same() -> None:
    for total in (1, 2, 3):  # fastai 1 itself is cut off a step before its end
        points = walk(*cycle(total, 0.3, "fastai1"), total)
        assert points[0][0] == pytest.approx([peak / 25 for peak in PEAKS])
        assert points[-1][0] == pytest.approx([peak / 250_000 for peak in PEAKS])


@pytest.mark.parametrize("case", range(12))
def test_a_replanned_cycle_of_version_1_goes_on_from_its_rate_to_the_same_peak_and_end(case: int) -> None:
    draw = random.Random(case)
    total, pct = draw.randint(8, 40), draw.uniform(0.2, 0.9)
    stop, left = draw.randint(1, total - 1), draw.randint(2, 60)
    optimizer, schedule = cycle(total, pct, "fastai1")
    stopped_at = walk(optimizer, schedule, stop)[-1]
    schedule.plan(left)
    points = walk(optimizer, schedule, left)
    start, peak_at = stop / total, int(total * pct) / total
    at = [start + (1 - start) * step / left for step in range(left + 1)]
    expected = [
        (
            [combined_cos(peak_at, peak / 25, peak, peak / 250_000, pos) for peak in PEAKS],
            combined_cos(peak_at, 0.95, 0.85, 0.95, pos),
        )
        for pos in at
    ]
    assert_close(points[:1], [stopped_at])
    assert_close(points, expected)


def test_a_finished_cycle_of_version_1_is_followed_by_a_whole_one() -> None:
    old = cycle(12, 0.3, "fastai1")
    walk(*old, 12)
    assert_close(walk(*resumed(*old, 29, 0.3, "fastai1"), 17), fastai1(17, 0.3))


@pytest.mark.parametrize("stop", [0, 2, 3, 5, 12])
def test_a_saved_cycle_of_version_1_resumes_as_if_nothing_had_happened(stop: int) -> None:
    whole, broken = (cycle(12, 0.3, "fastai1") for _ in range(2))
    expected = walk(*whole, 12)
    walk(*broken, stop)
    assert walk(*resumed(*broken, 12, 0.3, "fastai1"), 12 - stop) == expected[stop:]


def test_a_state_of_before_there_were_versions_goes_on_as_version_2_or_changes_to_1() -> None:
    old = cycle(10, 0.35)
    walk(*old, 4)
    state = {name: value for name, value in old[1].state_dict().items() if name not in ("version", "first_plan")}
    expected = {"fastai2": [fastai_at(step / 10, 0.35) for step in range(11)], "fastai1": fastai1(10, 0.35)}
    for version, points in expected.items():
        optimizer, schedule = cycle(10, 0.35, version)
        optimizer.load_state_dict(old[0].state_dict())
        schedule.load_state_dict(state)
        assert_close(walk(optimizer, schedule, 6), points[4:])


def test_cycle_starts_at_peak_over_25_and_ends_at_peak_over_100000_and_stays_there() -> None:
    points = walk(*cycle(40), 43)
    for step, divisor, momentum in [(0, 25, 0.95), (10, 1, 0.85), (40, 1e5, 0.95), (41, 1e5, 0.95), (43, 1e5, 0.95)]:
        assert points[step][0] == pytest.approx([peak / divisor for peak in PEAKS])
        assert points[step][1] == pytest.approx(momentum)


def test_groups_keep_their_ratios_at_every_step() -> None:
    for (first, middle, last), _ in walk(*cycle(24), 24):
        assert (middle / first, last / middle) == (pytest.approx(10), pytest.approx(10))


@pytest.mark.parametrize(
    ("total", "pct"), [*((n, 0.25) for n in range(1, 9)), (2, 0.5), (5, 0.2), (10, 0.1), (3, 0.99)]
)
def test_fits_of_a_few_steps_start_low_stay_below_the_peak_and_end_low(total: int, pct: float) -> None:
    points = walk(*cycle(total, pct), total)
    assert points[0][0] == pytest.approx([peak / 25 for peak in PEAKS])
    assert points[-1][0] == pytest.approx([peak / 1e5 for peak in PEAKS])
    for rates, momentum in points:
        assert all(0 < rate <= peak * (1 + 1e-9) for rate, peak in zip(rates, PEAKS, strict=True))
        assert 0.85 - 1e-9 <= momentum <= 0.95 + 1e-9


def test_a_skipped_step_leaves_everything_where_it_is_and_is_counted() -> None:
    draw = random.Random(0)
    optimizer, schedule = cycle(30)
    points, skips = [], 0
    while schedule.last_epoch < 30:
        before = now(optimizer), schedule.position
        if draw.random() < 0.4:
            schedule.skip()
            skips += 1
            assert (now(optimizer), schedule.position) == before
        else:
            points += walk(optimizer, schedule, 1)[:1]
        assert schedule.skipped == skips
    assert skips > 5
    assert points == walk(*cycle(30), 30)[:-1]


@pytest.mark.parametrize("case", range(8))
def test_a_saved_cycle_resumes_as_if_nothing_had_happened(case: int) -> None:
    draw = random.Random(case)
    total, pct = draw.randint(2, 60), draw.uniform(0.05, 0.95)
    stop, skips = draw.randint(0, total), draw.randint(0, 3)
    whole, broken = cycle(total, pct), cycle(total, pct)
    expected = walk(*whole, total)
    walk(*broken, stop)
    for _ in range(skips):
        broken[1].skip()
    again = resumed(*broken, total, pct)
    assert walk(*again, total - stop) == expected[stop:]
    assert {**again[1].state_dict(), "skipped": 0} == whole[1].state_dict()
    assert again[1].skipped == skips


def test_a_rescheduled_cycle_survives_the_next_resume() -> None:
    optimizer, schedule = cycle(10)
    walk(optimizer, schedule, 6)
    planned = resumed(optimizer, schedule, 20)
    walk(*planned, 5)
    assert walk(*resumed(*planned, 20), 9) == walk(*planned, 9)


@pytest.mark.parametrize("case", range(12))
def test_another_number_of_steps_spreads_the_rest_of_the_cycle_over_the_steps_that_are_left(case: int) -> None:
    draw = random.Random(case)
    total, pct = draw.randint(2, 40), draw.uniform(0.05, 0.95)
    stop = draw.randint(0, total - 1)
    other = draw.choice([steps for steps in range(stop + 1, 90) if steps != total])
    old = cycle(total, pct)
    stopped_at = walk(*old, stop)[-1]
    points = walk(*resumed(*old, other, pct), other - stop)
    assert_close(points[:1], [stopped_at])
    start, left = stop / total, other - stop
    assert_close(points, [fastai_at(start + (1 - start) * step / left, pct) for step in range(left + 1)])
    assert points[-1][0] == pytest.approx([peak / 1e5 for peak in PEAKS])
    for before, after in zip(old[1].base_lrs, PEAKS, strict=True):  # the peaks are still the ones that were asked for
        assert before == pytest.approx(after)


@pytest.mark.parametrize(("total", "other"), [(12, 20), (5, 6), (1, 40)])
def test_a_finished_cycle_is_followed_by_a_whole_new_one(total: int, other: int) -> None:
    old = cycle(total)
    walk(*old, total)
    left = other - total
    points = walk(*resumed(*old, other), left)
    assert_close(points, [fastai_at(step / left, 0.25) for step in range(left + 1)])


@pytest.mark.parametrize(("stop", "other"), [(8, 8), (8, 3), (12, 7), (12, 11)])
def test_a_number_of_steps_that_is_already_reached_changes_nothing(stop: int, other: int) -> None:
    old = cycle(12)
    expected: Any = walk(*old, stop)[-1:]
    state = old[1].state_dict()
    again = resumed(*old, other)
    assert again[1].state_dict() == state
    assert walk(*again, 12 - stop)[:1] == expected
    assert again[1].position == 1


@pytest.mark.parametrize("steps", [math.inf, -1, 0, math.nan])
def test_a_number_of_steps_that_is_unknown_is_refused(steps: float) -> None:
    with pytest.raises(ValueError, match="one-cycle") as caught:
        cycle(steps)
    assert (
        str(caught.value)
        == f"one-cycle: expected a finite number of steps above 0, got {steps}; set max_epochs or max_steps."
    )


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match="one_cycle") as caught:
        cycle(10, version="fastai3")
    assert str(caught.value) == "one_cycle: expected one of fastai1, fastai2, got 'fastai3'."


@pytest.mark.parametrize("pct", [0, 1, -0.1, 1.5, math.nan])
def test_a_fraction_out_of_range_is_refused(pct: float) -> None:
    with pytest.raises(ValueError, match="pct_start") as caught:
        cycle(10, pct)
    assert str(caught.value) == f"pct_start: expected a fraction between 0 and 1, got {pct}."
