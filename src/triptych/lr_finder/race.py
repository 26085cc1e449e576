"""A race of learning rates: short trials from the same start, of which the better half goes on to longer ones."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from triptych.lr_finder.curve import LRSearch
from triptych.lr_finder.rules import RACE

Train = Callable[[list[float]], list[float]]
"""Takes a step at each of the given rates, always from the same start; returns the loss at each step."""

_BUDGET = 2
"""Steps of all trials as a multiple of the search's; with the search itself a race takes three times its steps."""
_CANDIDATES = 2.5 ** np.array([-1, -0.5, 0, 0.5, 1])
"""The rates that start, as multiples of the search's own."""
_ROUNDS = math.ceil(math.log2(len(_CANDIDATES)))
MIN_STEPS = math.ceil(_ROUNDS * len(_CANDIDATES) / _BUDGET)
"""Steps of the shortest search that leaves each trial a step."""
_RISING = 0.25
"""Fraction of a trial in which its rate rises, as in one-cycle."""
_JUDGED = 0.25
"""Fraction of a trial at its end whose mean loss is compared."""


def raced(search: LRSearch, train: Train, num_steps: int) -> LRSearch:
    """The search with the winner of a race between its rate and some around it, also if its curve suggests nothing.

    Args:
        search: The search.
        train: Runs a trial.
        num_steps: Steps of the search, at least `MIN_STEPS`.
    """
    rate = race(train, (search.rate * _CANDIDATES).tolist(), _BUDGET * num_steps)
    verdict = f"race suggests {rate:.1e}"
    return replace(search, suggestions={**search.suggestions, RACE: rate}, rule=RACE, rate=rate, verdict=verdict)


def race(train: Train, candidates: Sequence[float], num_steps: int) -> float:
    """Successive halving: each candidate gets a trial, the better half of them a longer one, until one is left.

    Each round takes the same number of steps. In a trial the rate rises and then stays; if it fell again as in
    one-cycle, a rate that is too high for a long fit could win. All trials of a round see the same batches, so that
    their losses are comparable.

    Args:
        train: Runs a trial.
        candidates: Peak rates, rising; of equal ones the lower wins.
        num_steps: Steps of all trials together, at most.

    Source: Jamieson and Talwalkar, "Non-stochastic best arm identification", 2016.
    """
    left = list(candidates)
    rounds = math.ceil(math.log2(len(left)))
    for _ in range(rounds):
        steps = num_steps // (rounds * len(left))
        scores = {rate: score(train(trial_rates(rate, steps)), steps) for rate in left}
        better = sorted(left, key=scores.__getitem__)[: math.ceil(len(left) / 2)]
        left = sorted(better)
    return left[0]


def trial_rates(peak: float, num_steps: int) -> list[float]:
    """The rate of each step of a trial: linear up to `peak`, then constant."""
    rising = math.ceil(_RISING * num_steps)
    return [peak * min(1.0, (step + 1) / rising) for step in range(num_steps)]


def score(losses: Sequence[float], num_steps: int) -> float:
    """Mean loss at the end of a trial; infinite if the trial ended early, or if the loss was NaN."""
    if len(losses) < num_steps:
        return math.inf
    mean = float(np.mean(losses[-math.ceil(_JUDGED * num_steps) :]))
    return mean if math.isfinite(mean) else math.inf
