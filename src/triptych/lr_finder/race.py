"""A race of learning rates: a short one-cycle fit at each of a few rates, from the same start."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from triptych.lr_finder.curve import LRSearch
from triptych.lr_finder.rules import RACE
from triptych.optim.one_cycle import rate_at

Train = Callable[[list[float]], list[float]]
"""Takes a step at each of the given rates, always from the same start; returns the loss at each step.

At rate 0 it measures, with the network in evaluation mode.
"""

_BUDGET = 2
"""Steps of all trials as a multiple of the search's; with the search itself a race takes three times its steps."""
_FACTORS = 2.5 ** np.array([-1, -0.5, 0, 0.5, 1])
"""The rates that race, as multiples of the search's own."""
MIN_STEPS = math.ceil(2 * len(_FACTORS) / _BUDGET)
"""Steps of the shortest search that leaves each trial a step to train and one to judge it."""
_JUDGED = 0.2
"""Fraction of a trial at its end, at rate 0, whose mean loss is compared."""


def raced(search: LRSearch, train: Train, num_steps: int) -> LRSearch:
    """The search with the winner of a race between its rate and some around it, also if its curve suggests nothing.

    Args:
        search: The search.
        train: Runs a trial.
        num_steps: Steps of the search, at least `MIN_STEPS`.
    """
    rate = race(train, (search.rate * _FACTORS).tolist(), _BUDGET * num_steps)
    verdict = f"race suggests {rate:.1e}"
    return replace(search, suggestions={**search.suggestions, RACE: rate}, rule=RACE, rate=rate, verdict=verdict)


def race(train: Train, candidates: Sequence[float], num_steps: int) -> float:
    """The peak rate with which a trial would end with the lowest loss; of equal ones the lower.

    A trial is a small copy of the fit to come: one cycle, whose rate falls to nearly zero, with the momentum left as it
    is. The batches that follow judge it, with the network as it will be used: a rate can be so high that the running
    statistics of batch-norm lag behind the weights, which no loss of training mode shows. All trials have the same
    number of steps and see the same batches, so that their losses are comparable. Between the candidates the losses
    are read from a parabola through the lowest and its two neighbours, over the logarithm of the rate.

    Args:
        train: Runs a trial.
        candidates: Peak rates, rising, each the same multiple of the one before.
        num_steps: Steps of all trials together, at most.
    """
    steps = num_steps // len(candidates)
    scores = [score(train(trial_rates(peak, steps)), steps) for peak in candidates]
    return float(np.exp(np.interp(lowest_point(scores), range(len(candidates)), np.log(candidates))))


def lowest_point(scores: Sequence[float]) -> float:
    """The index, a fraction, where a parabola through the lowest score and its two neighbours is lowest.

    It is the index of that score if one of the neighbours is missing or infinite.

    >>> lowest_point([4.0, 1.0, 2.0])
    1.25
    """
    best = scores.index(min(scores))
    around = scores[max(best - 1, 0) : best + 2]
    if len(around) < 3 or not all(map(math.isfinite, around)):
        return best
    left, lowest, right = around
    return best + (left - right) / (left - 2 * lowest + right) / 2


def trial_rates(peak: float, num_steps: int) -> list[float]:
    """The rate of each step of a trial; 0 where it is judged."""
    trained = num_steps - judged(num_steps)
    return [rate_at(step / trained, peak) for step in range(trained)] + [0.0] * judged(num_steps)


def judged(num_steps: int) -> int:
    """Steps at the end of a trial that judge it."""
    return math.ceil(_JUDGED * num_steps)


def score(losses: Sequence[float], num_steps: int) -> float:
    """Mean loss of the steps that judge a trial; infinite if it ended early, or if the loss was NaN."""
    if len(losses) < num_steps:
        return math.inf
    mean = float(np.mean(losses[-judged(num_steps) :]))
    return mean if math.isfinite(mean) else math.inf
