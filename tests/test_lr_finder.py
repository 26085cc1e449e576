"""The range test finds planted rates, says so where there is none, and leaves the model alone; a script for two ranks.

The suggestions of fastai 2.8.12 were computed with its own functions on the curves written here.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.plugins import MixedPrecision
from torch import Tensor, nn
from torch.utils.data import DataLoader

from triptych import MultiLabelClassifier, PlanetDataModule, UNetSegmenter
from triptych.lr_finder import (
    DEFAULT_RULE,
    RULES,
    LRSearch,
    asks_to_find,
    find_lr,
    has_run_away,
    is_flat,
    minimum,
    read_curve,
    slide,
    smooth,
    steep,
    valley,
    with_found,
)
from triptych.optim.one_cycle import OneCycle

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]

ON_CPU = {"accelerator": "cpu", "devices": 1}
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
        assert {name: rule(rates, losses) for name, rule in RULES.items()} == expected


def test_curves_worked_out_by_hand() -> None:
    rates = 10.0 ** np.arange(-6, 4)
    losses = np.array([5.0, 5.0, 4.5, 4.2, 2.0, 1.5, 1.0, 3.0, 9.0, 20.0])
    assert steep(rates, losses) == rates[3]  # from 4.2 to 2
    assert minimum(rates, losses) == rates[6] / 10
    # 5 > 4.5 > 4.2 > 2 > 1.5 > 1: six wide, up to point 6, so from point 0; a third and a sixth of it on
    assert valley(rates, losses) == rates[3]
    assert slide(rates, losses) == rates[0]  # fewer points than the window: only one place for it


def test_a_curve_that_never_falls_has_its_valley_at_the_start() -> None:
    assert valley(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0])) == 1.0
    assert valley(np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 2.0])) == 1.0  # fastai's index leaves the curve here


def test_the_average_has_no_bias_towards_zero() -> None:
    assert smooth([3.0] * 5) == pytest.approx([3.0] * 5)
    assert smooth([1.0, 2.0])[1] == pytest.approx((0.98 * 0.02 * 1 + 0.02 * 2) / (1 - 0.98**2))
    assert math.isnan(smooth([1.0, math.nan])[1])


def test_a_sweep_ends_at_four_times_the_best_but_not_before_the_tenth_point() -> None:
    calm = [1.0] * 9
    assert not has_run_away([1.0] * 8 + [1e9])
    assert has_run_away([*calm, 1e9])
    assert not has_run_away([*calm, 25.0]) and has_run_away([*calm, 30.0])  # about 1 + 3 * 9
    assert has_run_away([math.nan]) and has_run_away([1.0, math.inf])


def test_losses_below_zero_run_away_by_their_range() -> None:
    noise = np.random.default_rng(0).normal(size=200)
    for level in (0.0, -5.0, 0.5):
        assert not any(has_run_away((level + noise[:count]).tolist()) for count in range(1, 200))
    assert has_run_away([*(noise[:50] - 5).tolist(), 2000.0])
    assert not has_run_away([0.0] * 20)


def noisy(shape: str, seed: int, count: int = 100) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return {
        "normal": generator.normal(size=count),
        "skewed": generator.exponential(size=count),
        "wild": generator.standard_t(3, size=count),
    }[shape]


@pytest.mark.parametrize("count", [12, 30, 100])
@pytest.mark.parametrize("shape", ["normal", "skewed", "wild"])
def test_flat_noise_seldom_passes_for_a_fall(shape: str, count: int) -> None:
    verdicts = [is_flat(3 + noisy(shape, seed, count)) for seed in range(400)]
    assert np.mean(verdicts) > 0.97


@pytest.mark.parametrize("shape", ["normal", "skewed", "wild"])
def test_a_fall_of_three_times_the_noise_is_seen(shape: str) -> None:
    place = np.clip((np.arange(100) - 55) / 20, 0, 1)
    spread = noisy(shape, 0, 10_000).std()
    verdicts = [is_flat(10 - 3 * spread * place + noisy(shape, seed)) for seed in range(100)]
    assert np.mean(verdicts) < 0.05


def curve(rates: np.ndarray, best: float = 1e-2, seed: int = 0) -> np.ndarray:
    """Falls to `best`, then runs away."""
    x = np.log10(rates / best)
    noise = 0.03 * np.random.default_rng(seed).normal(size=len(rates))
    return 2 - 1.4 / (1 + np.exp(-4 * (x + 1.2))) + np.exp(4 * np.minimum(x, 1)) / 50 + noise


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("best", [1e-3, 1e-2, 1e-1])
def test_a_planted_curve_gives_a_rate_below_its_best_one(best: float, rule: str) -> None:
    rates = np.logspace(-7, 1, 100)[: np.searchsorted(np.logspace(-7, 1, 100), 5 * best)]
    search = read_curve(rates.tolist(), curve(rates, best).tolist(), rule)
    assert set(search.suggestions) == set(RULES)
    if rule != "slide":  # it takes the window's left end, far down
        assert best / 200 < search.rate < 3 * best
    assert search.rate == search.suggestions[rule]
    assert search.verdict == f"{rule} suggests {search.rate:.1e}"


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ([1.0] * 100, "the curve is flat (or only rises): keep 2.0e-03"),
        (np.linspace(1, 3, 60).tolist(), "the curve is flat (or only rises): keep 2.0e-03"),
        ((1 + np.random.default_rng(0).normal(size=100)).tolist(), "the curve is flat (or only rises): keep 2.0e-03"),
        ([3.0, 2.0, 1.0, 0.5, math.nan], "only 4 points before the loss was not a number: keep 2.0e-03"),
        ([3.0, math.inf], "only 1 point before the loss was not a number: keep 2.0e-03"),
        ([math.nan], "only 0 points before the loss was not a number: keep 2.0e-03"),
        ([2.0, 1.0], "only 2 points of at least 10: keep 2.0e-03"),
        ([], "only 0 points of at least 10: keep 2.0e-03"),
    ],
)
def test_a_curve_that_tells_nothing_keeps_the_rate_and_says_why(
    losses: list[float], verdict: str, tmp_path: Path
) -> None:
    search = read_curve(np.logspace(-7, 1, 100)[: len(losses)].tolist(), losses, kept=2e-3)
    assert (search.verdict, search.rate, search.suggestions) == (verdict, 2e-3, {})
    assert search.table().row_count == 1
    search.save(tmp_path)


def test_a_search_is_saved_whole_and_as_valid_json(tmp_path: Path) -> None:
    rates = np.logspace(-7, -1.5, 70)
    search = read_curve(rates.tolist(), [*curve(rates).tolist()[:-1], math.nan])
    search.save(tmp_path / "new" / "folder")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["lr_find.json", "lr_find.png"]
    saved = json.loads((tmp_path / "new" / "folder" / "lr_find.json").read_text(), parse_constant=pytest.fail)
    assert saved == search.to_dict() == LRSearch.load(tmp_path / "new" / "folder" / "lr_find.json").to_dict()
    assert saved["losses"][-1] is None and saved["smoothed"][-1] is None and saved["rates"] == rates.tolist()
    assert (saved["rule"], saved["rate"]) == (DEFAULT_RULE, search.suggestions[DEFAULT_RULE])


def test_the_table_marks_the_rule_that_was_used() -> None:
    rates = np.logspace(-7, -1.5, 70)
    search = read_curve(rates.tolist(), curve(rates).tolist(), "steep")
    names, shown, losses = (list(column.cells) for column in search.table().columns)
    assert names == ["steep (used)", "minimum", "valley", "slide"]
    assert shown[0] == f"{search.rate:.1e}"
    assert losses[0] == f"{search.smoothed_at(search.rate):.4g}"


@pytest.mark.parametrize(
    ("max_lr", "found"),
    [
        (1e-3, 1e-3),
        ("find", 0.2),
        ("find/10", 0.02),
        ("find/2.5", 0.08),
        (["find/10", "find"], [0.02, 0.2]),
        ([1e-5, "find"], [1e-5, 0.2]),
        ([1e-5, 1e-3], [1e-5, 1e-3]),
    ],
)
def test_words_in_max_lr_become_numbers(max_lr: Any, found: Any) -> None:
    assert with_found(max_lr, 0.2) == pytest.approx(found)
    assert asks_to_find(max_lr) == (max_lr != found)


@pytest.mark.parametrize("word", ["fnd", "find/", "find/0", "find/-1", "find/x", "find/inf", "find/nan", "2find", ""])
def test_other_words_are_refused_in_one_line(word: str) -> None:
    with pytest.raises(ValueError, match=r'^max_lr: expected a number, "find", "find/N" .* got \[.*, 0\.1\]\.$'):
        with_found([word, 0.1], 1e-3)


class Line(L.LightningModule):
    """Two groups whose rates stand ten to one, under one-cycle, torch's own or none."""

    def __init__(self, schedule: str | None = "one-cycle", max_lr: Any = None, breaks_at: int = -1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 1)
        self.rates: list[list[float]] = []
        self.momentums: list[float] = []
        self.seen: list[float] = []

    def train_dataloader(self) -> DataLoader[Tensor]:
        x = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
        return DataLoader(x, batch_size=8)

    val_dataloader = train_dataloader

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        raise AssertionError("no validation in a search")

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        assert self.hparams["schedule"] is None or self.lr_schedulers() is not None
        loss = (self.last(self.first(batch).relu()) - batch.sum(1, keepdim=True)).square().mean()
        if len(self.seen) == self.hparams["breaks_at"]:
            loss = loss * math.nan
        self.seen.append(loss.item())
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.rates.append([group["lr"] for group in optimizer.param_groups])
        self.momentums.append(optimizer.param_groups[0]["betas"][0])

    def configure_optimizers(self) -> Any:
        groups = [{"params": self.first.parameters(), "lr": 1e-3}, {"params": self.last.parameters(), "lr": 1e-2}]
        optimizer = torch.optim.AdamW(groups, betas=(0.95, 0.99))
        total = int(self.trainer.estimated_stepping_batches)
        if self.hparams["schedule"] == "one-cycle":
            schedule: Any = OneCycle(optimizer, total)
        elif self.hparams["schedule"] == "torch":
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [1e-3, 1e-2], total, base_momentum=0.85)
        elif self.hparams["schedule"] == "exponential":
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        else:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


@pytest.mark.parametrize("schedule", ["one-cycle", "torch", "exponential", None])
def test_rates_rise_exponentially_and_groups_keep_their_ratio(schedule: str | None) -> None:
    model = Line(schedule)
    search = find_lr(ON_CPU, model, None, start=1e-6, end=1e-2, num_steps=21)
    assert search.rates == pytest.approx([1e-6 * 10 ** (i / 5) for i in range(21)])
    assert model.rates == [pytest.approx([rate / 10, rate]) for rate in search.rates]
    assert len(set(model.momentums)) == 1  # no schedule turns it
    assert search.losses == pytest.approx(model.seen)


def test_an_accumulated_step_is_one_point_with_the_mean_of_its_losses() -> None:
    model = Line()
    search = find_lr({**ON_CPU, "accumulate_grad_batches": 2}, model, None, end=1e-3, num_steps=7)
    # five batches an epoch: the fifth makes a step alone
    windows = [model.seen[i : i + 2] if i % 5 < 4 else model.seen[i : i + 1] for i in (0, 2, 4, 5, 7, 9, 10)]
    assert search.losses == pytest.approx([np.mean(window) for window in windows])


def test_a_search_again_gives_the_same_and_leaves_the_weights() -> None:
    L.seed_everything(0, verbose=False)
    model = Line()
    weights = [parameter.clone() for parameter in model.parameters()]
    first, second = (find_lr(ON_CPU, model, None) for _ in range(2))
    assert first == second
    assert all(torch.equal(left, right) for left, right in zip(weights, model.parameters(), strict=True))
    assert first.verdict == f"valley suggests {first.rate:.1e}"
    assert 1e-3 < first.suggestions["minimum"] < 1 and len(first.rates) > 60


def test_a_trained_model_is_searched_again() -> None:
    L.seed_everything(0, verbose=False)
    model = Line(schedule=None)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
    trainer = L.Trainer(**ON_CPU, **quiet, max_epochs=20, limit_val_batches=0, enable_progress_bar=False)
    fresh = find_lr(trainer, model, None)
    trainer.fit(model)
    trained = find_lr(trainer, model, None)
    assert trained.losses[0] < 0.5 * fresh.losses[0]
    assert len(trained.rates) > 60 and trainer.global_step == 100


def test_a_loss_that_is_not_a_number_ends_the_search_at_once() -> None:
    search = find_lr(ON_CPU, Line(breaks_at=4, max_lr=[1e-4, 5e-3]), None)
    assert search.verdict == "only 4 points before the loss was not a number: keep 5.0e-03"
    assert len(search.rates) == len(search.losses) == 5 and math.isnan(search.losses[-1])


@pytest.mark.parametrize(("max_lr", "kept"), [(None, 1e-3), ("find", 1e-3), (0.2, 0.2), (["find/5", 0.3], 0.3)])
def test_the_rate_kept_is_the_one_typed_for_the_head(max_lr: Any, kept: float) -> None:
    assert find_lr(ON_CPU, Line(max_lr=max_lr), None, num_steps=3).rate == kept


def test_words_in_max_lr_keep_their_ratio_in_a_search(drawn_tiles: Path) -> None:
    model = MultiLabelClassifier(encoder="resnet18", encoder_weights=None, max_lr=["find/100", "find"])
    data = PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=8)
    rates: list[list[float]] = []
    model.on_before_optimizer_step = lambda optimizer: rates.append([g["lr"] for g in optimizer.param_groups])
    search = find_lr(ON_CPU, model, data, num_steps=3)
    assert rates == [pytest.approx([rate / 100, rate / 10, rate]) for rate in search.rates]
    assert model.hparams["max_lr"] == model.hparams_initial["max_lr"] == ["find/100", "find"]


def test_a_frozen_segmenter_is_searched_over_more_than_an_epoch(drawn_streets: Path) -> None:
    from triptych import CamVidDataModule

    model = UNetSegmenter(encoder="resnet18", encoder_weights=None, freeze_to=-1)
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 32), batch_size=4)
    search = find_lr(ON_CPU, model, data, num_steps=5)
    assert len(search.losses) == 5
    assert not any(parameter.requires_grad for parameter in model.network.encoder.parameters() if parameter.ndim == 4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": 1.0, "end": 1.0}, "start, end: expected two rates with 0 < start < end, got 1.0 and 1.0."),
        ({"start": 0.0}, "start, end: expected two rates with 0 < start < end, got 0.0 and 10.0."),
        ({"num_steps": 1}, "num_steps: expected at least 2, got 1."),
        ({"rule": "deep"}, "rule: expected one of steep, minimum, valley, slide, got 'deep'."),
    ],
)
def test_a_wrong_argument_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        find_lr(ON_CPU, Line(), None, **wrong)
    assert str(error.value) == message


def test_a_model_that_steps_itself_is_refused() -> None:
    model = Line()
    model.automatic_optimization = False
    with pytest.raises(ValueError, match="model: expected automatic optimization"):
        find_lr(ON_CPU, model, None)


def test_a_scaler_that_leaves_steps_out_is_no_hindrance(drawn_tiles: Path) -> None:
    plugin = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=2.0**60))
    model = MultiLabelClassifier(encoder="resnet18", encoder_weights=None, num_labels=17)
    data = PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=8)
    counts = vars(model)["_steps_taken"]
    search = find_lr({**ON_CPU, "plugins": [plugin]}, model, data, num_steps=2)
    assert len(search.losses) == 2 and plugin.scaler.get_scale() == 2.0**60
    assert vars(model)["_steps_taken"] == counts


@pytest.mark.slow
def test_two_ranks_stop_at_the_same_point_with_the_same_answer(tmp_path: Path) -> None:
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)], env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert 10 < len(first["search"]["rates"]) < 100
    assert first["same"]


def main(folder: str) -> None:
    L.seed_everything(0, verbose=False)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False, "limit_val_batches": 0}
    trainer = L.Trainer(accelerator="cpu", devices=2, strategy="ddp", max_steps=5, enable_progress_bar=False, **quiet)
    model = Line()
    before = [parameter.clone() for parameter in model.parameters()]
    search = find_lr(trainer, model, None, end=1e4)
    same = all(torch.equal(left, right) for left, right in zip(before, model.parameters(), strict=True))
    trainer.fit(model)
    text = json.dumps({"search": search.to_dict(), "same": same, "weights": model.last.weight.tolist()})
    (Path(folder) / f"{trainer.global_rank}.json").write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])
