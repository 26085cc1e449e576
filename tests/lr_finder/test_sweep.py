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
from torch import Tensor, nn
from torch.utils.data import DataLoader

from triptych import MultiLabelClassifier, PlanetDataModule, UNetSegmenter
from triptych.lr_finder import find_lr
from triptych.optim.one_cycle import OneCycle

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]

ON_CPU = {"accelerator": "cpu", "devices": 1}


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
    assert first.verdict == f"minimum suggests {first.rate:.1e}"
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
