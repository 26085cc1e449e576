"""A temporary fit restores everything, for any model and precision, even if it fails."""

import contextlib
import copy
import logging
import random
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.strategies import DDPStrategy, FSDPStrategy, ModelParallelStrategy
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchmetrics import MeanMetric

from triptych import MultiLabelClassifier, PlanetDataModule, find_lr
from triptych.trainer.temporary_fit import temporary_fit

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]

QUIET = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False, "enable_progress_bar": False}
ON_CPU = {"accelerator": "cpu", "devices": 1}


class Toy(L.LightningModule):
    """A linear model with batch-norm, dropout and a metric that its training step updates."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 1))
        self.seen = MeanMetric()
        self.note = "before"

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.note = "in training"
        random.random(), np.random.rand()
        loss = (self.net(batch) - batch.sum(1, keepdim=True)).square().mean()
        self.seen.update(loss.detach())
        self.log("loss", loss)
        return loss

    def train_dataloader(self) -> DataLoader[Tensor]:
        return DataLoader(torch.randn(12, 3), batch_size=4)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.1)


class Watch(L.Callback):
    """Stores the trainer; may fail in the third step."""

    def __init__(self, fails: bool = False) -> None:
        self.fails, self.steps = fails, 0
        self.trainer: Any = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.trainer = trainer
        self.first = copy.deepcopy(pl_module.state_dict())

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        self.steps += 1
        if self.fails and self.steps == 3:
            raise RuntimeError("on purpose")


def assert_equal(left: Any, right: Any) -> None:
    """Asserts that two states are equal bit for bit, with the same types."""
    torch.testing.assert_close(dict(left), dict(right), rtol=0, atol=0, equal_nan=True)


def traces(model: Toy) -> list[Any]:
    """Everything that a temporary fit must restore."""
    metric = {**model.seen.metric_state, "count": model.seen.update_count}
    return [
        {name: tensor.clone() for name, tensor in model.state_dict().items()},
        [(module.training, type(module)) for module in model.modules()],
        [(parameter.requires_grad, parameter.grad) for parameter in model.parameters()],
        [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()],
        [{name: float(value) for name, value in metric.items()}, model.note, model._trainer, model.dtype],
        [logging.getLogger(name).level for name in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero")],
        sorted(name for name in vars(model) if not name.startswith("_")),
    ]


def same(left: list[Any], right: list[Any]) -> bool:
    assert_equal(left[0], right[0])
    return left[1:] == right[1:]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed", "bf16-true"])
def test_nothing_is_left_of_a_trial(precision: str, fails: bool, capsys: pytest.CaptureFixture[str]) -> None:
    model, watch = Toy(), Watch(fails)
    model.net[1].eval()
    model.net[0].requires_grad_(False)
    model.seen.update(7.0)
    before = traces(model)
    with pytest.raises(RuntimeError, match="on purpose") if fails else contextlib.nullcontext():
        temporary_fit({**ON_CPU, "precision": precision}, model, None, watch, max_steps=5)
    assert watch.steps == (3 if fails else 5)
    assert same(traces(model), before)
    assert capsys.readouterr() == ("", "")


def test_a_model_goes_back_to_the_trainer_it_had() -> None:
    model, trainer = Toy(), L.Trainer(**ON_CPU, **QUIET, max_epochs=1)
    trainer.fit(model)
    model.zero_grad()
    data = L.LightningDataModule()
    data.train_dataloader = model.train_dataloader  # type: ignore[method-assign]
    data.trainer = trainer
    before = traces(model)
    temporary_fit(trainer, model, data, Watch(), max_steps=3)
    assert same(traces(model), before)
    assert model.trainer is trainer and data.trainer is trainer


def test_gradients_are_cleared() -> None:
    model = Toy()
    model.net[0].weight.grad = torch.ones(8, 3)
    temporary_fit(ON_CPU, model, None, Watch(), max_steps=1)
    assert all(parameter.grad is None for parameter in model.parameters())


def fitted(tiles: Path, workers: int, with_trial: bool) -> tuple[L.LightningModule, list[float]]:
    L.seed_everything(3, verbose=False)
    model = MultiLabelClassifier(encoder="resnet18", encoder_weights=None, max_lr=1e-2)
    data = PlanetDataModule(str(tiles), image_size=(32, 32), batch_size=8, num_workers=workers)
    trainer = L.Trainer(**ON_CPU, **QUIET, max_epochs=1, limit_val_batches=0)
    if with_trial:
        watch = Watch()
        temporary_fit(trainer, model, data, watch, max_steps=4, limit_val_batches=1)
        assert_equal(model.state_dict(), watch.first)
        assert model.last_scores == {}
    trainer.fit(model, data)
    return model, [random.random(), np.random.rand(), torch.rand(1).item()]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_fresh_model_is_fitted_as_if_there_had_been_no_trial(
    drawn_tiles: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (model, draws), (expected, expected_draws) = (fitted(drawn_tiles, workers, trial) for trial in (True, False))
    assert_equal(model.state_dict(), expected.state_dict())
    assert draws == expected_draws
    assert "F2" not in capsys.readouterr().out  # no report of the trial's validation


def test_a_fit_that_fails_before_its_first_step_leaves_the_model(drawn_tiles: Path) -> None:
    model = MultiLabelClassifier(encoder="resnet18", encoder_weights=None, max_lr=-1.0)
    data = PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=8)
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match="max_lr"):
        temporary_fit(ON_CPU, model, data, Watch(), max_steps=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert "configure_callbacks" not in vars(model) and model._trainer is None


@pytest.mark.parametrize("used", [False, True])
def test_settings_are_read_back_from_a_trainer(tmp_path: Path, used: bool) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    passed: dict[str, Any] = {
        "accumulate_grad_batches": 2,
        "gradient_clip_val": 0.5,
        "gradient_clip_algorithm": "value",
    }
    plugin = MixedPrecision("16-mixed", "cpu", scaler)
    saver = ModelCheckpoint(tmp_path)
    trainer = L.Trainer(
        **ON_CPU, **passed, plugins=[plugin], max_epochs=1, callbacks=[saver], **{**QUIET, "enable_checkpointing": True}
    )
    model, watch = Toy(), Watch()
    if used:
        trainer.fit(model)
    before = [sorted(tmp_path.iterdir()), trainer.global_step, scaler.state_dict()]
    temporary_fit(trainer, model, None, watch, max_steps=4)
    fresh = watch.trainer
    assert fresh is not trainer and fresh.strategy is not trainer.strategy
    assert {name: getattr(fresh, name) for name in passed} == {name: getattr(trainer, name) for name in passed}
    assert fresh.global_step == 4 and watch.steps == 6  # of three batches the last makes a step alone
    assert isinstance(fresh.precision_plugin, MixedPrecision) and fresh.precision_plugin is not plugin
    assert fresh.precision_plugin.scaler is not scaler
    assert [sorted(tmp_path.iterdir()), trainer.global_step, scaler.state_dict()] == before
    assert fresh.loggers == [] and fresh.checkpoint_callbacks == []


def test_a_strategy_object_is_not_shared() -> None:
    strategy = DDPStrategy(find_unused_parameters=True)
    trainer = L.Trainer(accelerator="cpu", devices=2, strategy=strategy, use_distributed_sampler=False, **QUIET)
    from triptych.trainer.settings import settings_of

    again = L.Trainer(**settings_of(trainer), **QUIET)
    assert again.strategy is not strategy and again.strategy._ddp_kwargs == {"find_unused_parameters": True}
    assert again.num_devices == 2 and not again._accelerator_connector.use_distributed_sampler
    assert strategy.parallel_devices is not None and len(strategy.parallel_devices) == 2


def test_of_a_mapping_only_what_changes_a_step_is_taken(tmp_path: Path) -> None:
    watch = Watch()
    saver = ModelCheckpoint(tmp_path)
    arguments = {**ON_CPU, "accumulate_grad_batches": 3, "max_steps": 1, "logger": True, "callbacks": [saver]}
    temporary_fit(arguments, Toy(), None, watch, max_steps=2)
    assert watch.trainer.accumulate_grad_batches == 3 and watch.trainer.global_step == 2
    assert watch.trainer.loggers == [] and list(tmp_path.iterdir()) == []


def test_a_strategy_that_returns_no_results_is_refused() -> None:
    with pytest.raises(ValueError, match=r"strategy: expected one that runs this script in each process"):
        temporary_fit({"accelerator": "cpu", "devices": 2, "strategy": "ddp_spawn"}, Toy(), None, Watch(), max_steps=1)


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        *((name, name) for name in ("fsdp", "fsdp_cpu_offload", "fsdp2", "deepspeed_stage_2")),
        (FSDPStrategy(), "FSDPStrategy"),
        (ModelParallelStrategy(), "ModelParallelStrategy"),
    ],
)
def test_a_strategy_that_splits_the_weights_is_refused(strategy: Any, name: str) -> None:
    words = rf"^strategy: expected ddp or a single device, got '{name}': .* whole weights, .*; use it in a plain fit\.$"
    with pytest.raises(ValueError, match=words):
        find_lr({"accelerator": "gpu", "strategy": strategy}, Toy(), None)


def test_a_trainer_whose_strategy_splits_the_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'ModelParallelStrategy'"):
        find_lr(L.Trainer(accelerator="cpu", strategy=ModelParallelStrategy(), **QUIET), Toy(), None)


def test_no_worker_outlives_a_trial(drawn_tiles: Path) -> None:
    import multiprocessing

    data = PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=8, num_workers=1)
    model = MultiLabelClassifier(encoder="resnet18", encoder_weights=None)
    temporary_fit(ON_CPU, model, data, Watch(), max_steps=1)
    assert multiprocessing.active_children() == []


def test_a_model_that_a_trial_had_to_build_keeps_its_own_callbacks(drawn_tiles: Path) -> None:
    model = MultiLabelClassifier(encoder="resnet18", encoder_weights=None)
    temporary_fit(ON_CPU, model, PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=8), Watch(), 1)
    assert model.network is not None and "configure_callbacks" not in vars(model)
