"""A race takes the rate whose trial ends best, within its steps, and leaves no trace."""

import math
from typing import Any

import lightning as L
import pytest
import torch
from searched_line import ON_CPU, Line
from torch import nn

from triptych.lr_finder import find_lr, read_curve
from triptych.lr_finder.race import lowest_point, race, raced, score, trial_rates
from triptych.lr_finder.sweep import losses_at
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
    assert race(Track(losses), [1.0, 2.0, 4.0], 30) == 1.0


def test_the_best_of_random_losses_wins_whatever_their_unit() -> None:
    generator = torch.Generator().manual_seed(0)
    for count in range(2, 12):
        losses = torch.rand(count, generator=generator).tolist()
        candidates = [2.0**i for i in range(count)]
        for factor in (1e-3, 1.0, 1e3):
            track = Track([factor * loss for loss in losses])
            winner = math.log2(race(track, candidates, 200))
            assert round(winner) == losses.index(min(losses))
            assert [len(rates) for rates in track.trials] == [200 // count] * count
            assert winner == pytest.approx(lowest_point(losses))


def test_between_the_rates_a_race_finds_the_lowest_point_of_a_parabola() -> None:
    generator = torch.Generator().manual_seed(0)
    for place in (4 * torch.rand(50, generator=generator)).tolist():
        losses = [3.0 + 0.7 * (i - place) ** 2 for i in range(5)]
        assert lowest_point(losses) == pytest.approx(place if 0.5 < place < 3.5 else round(place))
    assert lowest_point([2.0, 1.0, math.inf]) == 1


def test_a_trial_is_a_fit_of_one_cycle_with_a_fifth_at_its_end_to_judge_it() -> None:
    optimizer = torch.optim.AdamW([torch.zeros(1)], lr=0.3)
    cycle = OneCycle(optimizer, total_steps=13)
    fit = []
    for _ in range(13):
        fit.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cycle.step()
    assert trial_rates(0.3, 17) == [*fit, 0.0, 0.0, 0.0, 0.0]
    assert trial_rates(0.3, 2) == [fit[0], 0.0]


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


class Normed(Line):
    """A line with batch-norm, whose running statistics follow with a momentum."""

    def __init__(self, momentum: float) -> None:
        super().__init__()
        self.dropout = nn.BatchNorm1d(8, momentum=momentum)
        self.evaluated: list[tuple[bool, float]] = []

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.evaluated.append((not self.training, self.last.bias.item()))


def test_a_trial_is_judged_in_evaluation_mode_with_the_weights_it_ends_with() -> None:
    L.seed_everything(0, verbose=False)
    model = Normed(0.1)
    losses_at(ON_CPU, model, None, trial_rates(0.1, 40))
    assert [is_evaluation for is_evaluation, _ in model.evaluated] == [False] * 32 + [True] * 8
    weights = [weight for _, weight in model.evaluated]
    assert len(set(weights[:32])) == 32
    assert set(weights[32:]) == {weights[31]}
    assert all(module.training for module in model.modules())


def test_a_race_follows_the_loss_of_evaluation_mode_where_that_of_training_mode_says_otherwise() -> None:
    """Statistics that hardly follow favour the highest rate, here the one whose training loss is not the lowest."""
    L.seed_everything(0, verbose=False)
    trials: list[tuple[float, list[float]]] = []

    def train(rates: list[float]) -> list[float]:
        trials.append((max(rates), losses_at(ON_CPU, model, None, rates)))
        return trials[-1][1]

    model = Normed(0.002)
    found = raced(read_curve([1e-2] * 20, [1.0] * 20, kept=5e-2), train, 100)
    by_training_mode, by_evaluation_mode = (
        min(trials, key=lambda trial: sum(trial[1][judging]))[0] for judging in (slice(24, 32), slice(32, 40))
    )
    assert found.rate == pytest.approx(by_evaluation_mode)
    assert by_evaluation_mode > by_training_mode


def test_a_search_too_short_for_a_race_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^num_steps: expected at least 5 for a race, got 4\.$"):
        find_lr(ON_CPU, Line(), None, num_steps=4, rule="race")
