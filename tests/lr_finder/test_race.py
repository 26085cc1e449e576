"""A race takes the rate whose trial ends best, within its steps, and leaves no trace."""

import math
from typing import Any

import lightning as L
import pytest
import torch
from searched_line import ON_CPU, Line

from triptych.lr_finder import find_lr, read_curve
from triptych.lr_finder.race import race, raced, score, trial_rates
from triptych.optim.one_cycle import OneCycle

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]


class Track:
    """Trials with these losses, in the order of the calls."""

    def __init__(self, losses: list[float]) -> None:
        self.losses, self.trials = iter(losses), list[list[float]]()

    def __call__(self, rates: list[float]) -> list[float]:
        self.trials.append(rates)
        return [next(self.losses)] * len(rates)


@pytest.mark.parametrize("losses", [[1.0, 1.0, 1.0], [math.nan, math.inf, math.nan]])
def test_of_equal_rates_the_lower_one_wins(losses: list[float]) -> None:
    assert race(Track(losses), [1.0, 2.0, 3.0], 30) == 1.0


def test_the_best_of_random_losses_wins_whatever_their_unit() -> None:
    generator = torch.Generator().manual_seed(0)
    for count in range(2, 12):
        losses = torch.rand(count, generator=generator).tolist()
        candidates = [float(rate) for rate in range(1, count + 1)]
        for factor in (1e-3, 1.0, 1e3):
            track = Track([factor * loss for loss in losses])
            assert race(track, candidates, 200) == 1 + losses.index(min(losses))
            assert [len(rates) for rates in track.trials] == [200 // count] * count


def test_a_trial_is_a_fit_of_one_cycle() -> None:
    optimizer = torch.optim.AdamW([torch.zeros(1)], lr=0.3)
    cycle = OneCycle(optimizer, total_steps=13)
    fit = []
    for _ in range(13):
        fit.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cycle.step()
    assert trial_rates(0.3, 13) == fit


def test_a_trial_is_judged_by_its_end() -> None:
    assert score([9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 1.0, 2.0], 8) == 1.5
    assert score([1.0, 1.0], 8) == score([1.0, math.nan], 2) == math.inf


def test_a_curve_that_suggests_nothing_is_raced_around_the_kept_rate() -> None:
    search = read_curve([1e-3] * 20, [1.0] * 20, kept=4e-3)
    found = raced(search, lambda rates: [abs(math.log(max(rates) / 1e-2))] * len(rates), 100)
    assert found.suggestions == {"race": found.rate} == {"race": pytest.approx(1e-2)}
    assert (found.rule, found.verdict) == ("race", "race suggests 1.0e-02")


def state(model: Line) -> list[Any]:
    """Weights, gradients and random state, for a comparison bit for bit."""
    tensors = [tensor.tolist() for tensor in model.state_dict().values()]
    return [tensors, [parameter.grad for parameter in model.parameters()], torch.get_rng_state().tolist()]


def test_a_race_takes_three_times_the_steps_of_a_search_and_leaves_no_trace() -> None:
    L.seed_everything(0, verbose=False)
    model = Line(dropout=0.2)
    before = state(model)
    plain = find_lr(ON_CPU, model, None)
    searched = len(model.seen)
    found, again = (find_lr(ON_CPU, model, None, rule="race") for _ in range(2))
    assert state(model) == before
    assert found == again
    assert (found.rates, found.losses) == (plain.rates, plain.losses)
    steps = (len(model.seen) - searched) / 2
    assert 2.5 * 100 < steps <= 3 * 100
    assert found.suggestions == {**plain.suggestions, "race": found.rate}
    assert plain.rate / 2.6 < found.rate < 2.6 * plain.rate


def test_each_trial_sees_the_same_batches_with_the_same_dropout() -> None:
    L.seed_everything(0, verbose=False)
    model = Line(dropout=0.2)
    plain = find_lr(ON_CPU, model, None)
    model.seen.clear()
    find_lr(ON_CPU, model, None, rule="race")
    assert model.seen.count(plain.losses[0]) == 1 + 5  # the search and the trials


def test_a_search_too_short_for_a_race_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^num_steps: expected at least 3 for a race, got 2\.$"):
        find_lr(ON_CPU, Line(), None, num_steps=2, rule="race")
