"""The rules, against fastai's own, slow definitions, and curves worked out by hand.

The suggestions of fastai 2.8.12 were computed with its own functions on the curves written here.
"""

import math

import numpy as np
import pytest

from triptych.lr_finder import RULES
from triptych.lr_finder.curve import smooth
from triptych.lr_finder.rules import consensus, minimum, slide, steep, valley

RATES = np.logspace(-7, 1, 40)
FASTAI = [
    (
        [
            *(2.5025, 2.4973, 2.5127, 2.5018, 2.4888, 2.5063, 2.5244, 2.5159, 2.4803, 2.4643),
            *(2.4684, 2.4657, 2.3898, 2.3818, 2.2773, 2.1563, 1.976, 1.7582, 1.5478, 1.3704),
            *(1.2092, 1.1502, 1.0565, 1.0469, 1.0421, 1.0188, 1.0006, 1.0006, 1.0189, 1.0492),
            *(1.0535, 1.1182, 1.2009, 1.3515, 1.5732, 1.9571, 2.5734, 3.6469, 5.4403, 8.4189),
        ],
        {"steep": 1.914e-4, "minimum": 2.154e-3, "valley": 1.194e-4, "slide": 1e-7},
    ),
    (
        [
            *(2.5035, 2.4891, 2.4909, 2.4496, 2.5331, 2.5175, 2.4835, 2.4971, 2.4721, 2.428),
            *(2.4105, 2.3038, 2.176, 1.9865, 1.7908, 1.5536, 1.3727, 1.2078, 1.1301, 1.0541),
            *(1.0569, 1.0261, 1.0196, 1.0166, 0.9866, 1.0232, 1.0516, 0.9835, 0.9919, 1.0139),
            *(1.0901, 1.1248, 1.2256, 1.3551, 1.5731, 1.9557, 2.5831, 3.6668, 5.402, 8.3806),
        ],
        {"steep": 7.444e-5, "minimum": 3.455e-3, "valley": 1.914e-4, "slide": 4.375e-6},
    ),
]


@pytest.mark.parametrize(("losses", "expected"), FASTAI)
def test_the_rules_suggest_what_fastai_suggests(losses: list[float], expected: dict[str, float]) -> None:
    found = {name: rule(RATES, np.array(losses)) for name, rule in RULES.items()}
    expected = {**expected, "consensus": sorted(expected.values())[1]}
    assert found == {name: pytest.approx(rate, rel=1e-3) for name, rate in expected.items()}


def slow_rules(rates: list[float], losses: list[float]) -> dict[str, float]:
    """The four definitions, point by point."""
    points = range(len(losses))
    fall = {i: (losses[i + 1] - losses[i]) / math.log(rates[i + 1] / rates[i]) for i in points[:-1]}
    length: list[int] = []
    for i in points:
        length.append(1 + max([length[j] for j in range(i) if losses[j] > losses[i]], default=0))
    end = length.index(max(length))
    inner = [(losses[i + 1] - losses[i - 1]) / 2 for i in points[1:-1]]
    slope = [losses[1] - losses[0], *inner, losses[-1] - losses[-2]]
    left = len(losses) - 16
    while left > 0 and abs(slope[left + 15] - slope[left]) > 0.005:
        left -= 1
    still_apart = abs(slope[left + 15] - slope[left]) > 0.005
    return {
        "steep": rates[min(fall, key=lambda i: fall[i])],
        "minimum": rates[losses.index(min(losses))] / 10,
        "valley": rates[max(0, end - length[end] + length[end] // 3 + length[end] // 6)],
        "slide": rates[left if still_apart else min(left + 1, len(losses) - 16)],
    }


@pytest.mark.parametrize("seed", range(30))
def test_the_rules_agree_with_their_definitions_on_random_curves(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rates = np.logspace(-7, 1, int(generator.integers(17, 90)))
    noise = generator.normal(size=len(rates))
    falling = smooth((2 - 1 / (1 + np.exp(-3 * np.log10(rates) - 9)) + 0.1 * noise).tolist())
    for losses in (noise, np.cumsum(noise), np.array(falling)):
        expected = slow_rules(rates.tolist(), losses.tolist())
        found = {name: rule(rates, losses) for name, rule in RULES.items()}
        assert found.pop("consensus") == sorted(expected.values())[1]
        assert found == expected


def test_curves_worked_out_by_hand() -> None:
    rates = 10.0 ** np.arange(-6, 4)
    losses = np.array([5.0, 5.0, 4.5, 4.2, 2.0, 1.5, 1.0, 3.0, 9.0, 20.0])
    assert steep(rates, losses) == rates[3]  # from 4.2 to 2
    assert minimum(rates, losses) == rates[6] / 10
    # 5 > 4.5 > 4.2 > 2 > 1.5 > 1: six wide, up to point 6, so from point 0; a third and a sixth of it on
    assert valley(rates, losses) == rates[3]
    assert slide(rates, losses) == rates[0]  # fewer points than the window: only one place for it
    assert consensus(rates, losses) == rates[3]  # between 1e-6 and 1e-3, 1e-1


def test_a_curve_that_never_falls_has_its_valley_at_the_start() -> None:
    assert valley(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0])) == 1.0
    assert valley(np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 2.0])) == 1.0  # fastai's index leaves the curve here


@pytest.mark.parametrize("wrong", ["steep", "minimum", "valley", "slide"])
def test_one_rule_that_fails_does_not_move_the_consensus_out_of_the_others(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates, losses = RATES, np.array(FASTAI[0][0])
    others = [rule(rates, losses) for name, rule in RULES.items() if name not in (wrong, "consensus")]
    for far in (1e-9, 1e3):
        monkeypatch.setattr(f"triptych.lr_finder.rules.{wrong}", lambda rates, losses, far=far: far)
        assert min(others) * 0.999 < consensus(rates, losses) < max(others) * 1.001


def test_the_unit_of_the_loss_matters_only_where_slide_is_in_the_middle() -> None:
    rates, losses = RATES, np.array(FASTAI[1][0])
    for factor in (0.5, 2.0, 10.0):
        scaled = consensus(rates, factor * losses)
        others = sorted(rule(rates, losses) for rule in (steep, minimum, valley))
        assert others[0] * 0.999 < scaled < others[2] * 1.001
