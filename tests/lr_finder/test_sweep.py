"""The sweep raises the rates as planned, ends when the loss diverges and leaves no trace; a script for two ranks."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.plugins import MixedPrecision
from other_process import script
from searched_line import ON_CPU, Line

from triptych import MultiLabelClassifier, PlanetDataModule, UNetSegmenter
from triptych.lr_finder import find_lr

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]


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
    assert first.verdict == f"consensus suggests {first.rate:.1e}"
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
    assert search.verdict == "only 4 points before the loss was NaN or infinite: keep 5.0e-03"
    assert len(search.rates) == len(search.losses) == 5 and math.isnan(search.losses[-1])


@pytest.mark.parametrize(
    ("max_lr", "kept"), [(None, 1e-3), ("find", 1e-3), (0.2, 0.2), (["find/5", 0.3], 0.3), ("slice(0.4)", 0.4)]
)
def test_the_rate_kept_is_the_one_given_for_the_head(max_lr: Any, kept: float) -> None:
    assert find_lr(ON_CPU, Line(max_lr=max_lr), None, num_steps=3).rate == kept


@pytest.mark.parametrize(
    ("max_lr", "ratios"),
    [(["find/100", "find"], [0.01, 0.1]), ("slice(find)", [0.1, 0.1]), ("slice(3e-4)", [0.1, 0.1])],
)
def test_words_in_max_lr_keep_their_ratio_in_a_search(drawn_tiles: Path, max_lr: Any, ratios: list[float]) -> None:
    model = MultiLabelClassifier(encoder="resnet18", encoder_weights=None, max_lr=max_lr)
    data = PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=8)
    rates: list[list[float]] = []
    model.on_before_optimizer_step = lambda optimizer: rates.append([g["lr"] for g in optimizer.param_groups])
    search = find_lr(ON_CPU, model, data, num_steps=3)
    assert rates == [pytest.approx([*(ratio * rate for ratio in ratios), rate]) for rate in search.rates]
    assert model.hparams["max_lr"] == model.hparams_initial["max_lr"] == max_lr


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
        ({"rule": "deep"}, "rule: expected one of steep, minimum, valley, slide, consensus, race, got 'deep'."),
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
    search = find_lr({**ON_CPU, "plugins": [plugin]}, model, data, num_steps=2)
    assert len(search.losses) == 2 and plugin.scaler.get_scale() == 2.0**60
    assert model._planner is None


@pytest.mark.slow
def test_two_ranks_stop_at_the_same_point_with_the_same_answer(tmp_path: Path) -> None:
    process = script([__file__, str(tmp_path)], tmp_path / "printed.txt", {"GLOO_SOCKET_IFNAME": "lo"})
    process.join(180)
    assert process.exitcode == 0, (tmp_path / "printed.txt").read_text()
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
