"""A head that trains on the cached features of its frozen encoder learns what it would learn from the images."""

import re
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from stage_plans import planned
from torch import Tensor

from triptych import (
    BIWIDataModule,
    CamVidDataModule,
    MultiLabelClassifier,
    PlanetDataModule,
    PointRegressor,
    UNetSegmenter,
)
from triptych.callbacks import Average, TrainingBatch
from triptych.recipe import Stage, run_recipe
from triptych.recipe.disk import features_line, within_disk
from triptych.recipe.plan import StagePlan
from triptych.recipe.stage import fill

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]

ENCODER = {"encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None}
TASKS: dict[str, Callable[[str], tuple[Any, Any]]] = {
    # the sides are no multiples of the encoder's strides
    "camvid": lambda root: (UNetSegmenter(**ENCODER), CamVidDataModule(root, image_size=(40, 52), batch_size=4)),
    "biwi": lambda root: (PointRegressor(**ENCODER), BIWIDataModule(root, image_size=(40, 52), batch_size=4)),
    "planet": lambda root: (MultiLabelClassifier(**ENCODER), PlanetDataModule(root, image_size=(32, 32), batch_size=8)),
}


class Diary(L.Callback):
    """Notes losses and images of each step, and the bytes of the cached features; may break off after a step."""

    def __init__(self, folder: Path, until: int | None = None) -> None:
        self.folder, self.until = folder, until
        self.losses: list[float] = []
        self.read: list[set[str]] = []
        self.keys: list[list[tuple[int, int]]] = []
        self.bytes: list[int] = []

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.losses.append(float(outputs["loss"]))
        self.read.append({*batch})
        self.keys.append(batch.get("key", []))
        self.bytes += [path.stat().st_size for path in self.folder.glob("features/*")]
        if trainer.global_step == self.until:
            raise KeyError("broken off")


def run(
    root: Path, folder: Path, stages: list[Stage], task: str = "camvid", **more: Any
) -> tuple[Diary, dict[str, Tensor]]:
    """Each step, and the last weights, of a recipe on fresh objects."""
    torch.manual_seed(3)
    model, data = TASKS[task](str(root))
    diary = Diary(folder, more.pop("until", None))
    callbacks = [diary, *more.pop("callbacks", [])]
    trainer = {"accelerator": "cpu", "devices": 1, "callbacks": callbacks, "log_every_n_steps": 1}
    run_recipe(model, data, stages, trainer, folder, seed=0, **more)
    return diary, {name: tensor.clone() for name, tensor in model.state_dict().items()}


def head(epochs: int = 2, **more: Any) -> list[Stage]:
    return [Stage("head", epochs, -1, max_lr=1e-3, **more)]


@pytest.mark.parametrize("task", TASKS)
def test_epochs_of_new_views_are_those_of_the_images(task: str, roots: dict[str, Path], tmp_path: Path) -> None:
    root = roots[task]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*in eval mode at the start")
        ordinary, _ = run(root, tmp_path / "ordinary", head(train_bn=False), task)
    cached, _ = run(root, tmp_path / "cached", head(cache_features=2), task)
    assert all("image" in keys for keys in ordinary.read)
    assert all("features" in keys and "image" not in keys for keys in cached.read)
    assert cached.losses[0] == pytest.approx(ordinary.losses[0], rel=1e-5)
    assert cached.losses == pytest.approx(ordinary.losses, rel=1e-2)


def test_an_epoch_reads_the_view_of_its_number_modulo_k(drawn_streets: Path, tmp_path: Path) -> None:
    stages = [Stage("all", 1, 0, max_lr=1e-3), *head(3, cache_features=2)]
    diary, _ = run(drawn_streets, tmp_path / "run", stages)
    cached = [keys for keys in diary.keys if keys]
    assert [{epoch for epoch, _ in keys} for keys in cached] == [{1}, {1}, {2}, {2}, {1}, {1}]
    assert sorted(index for keys in cached[:2] for _, index in keys) == [*range(8)]


def test_a_stage_that_is_killed_ends_bit_for_bit_as_if_it_was_not(drawn_streets: Path, tmp_path: Path) -> None:
    stages = [Stage("all", 1, 0, max_lr=1e-3), *head(3, cache_features=2)]
    whole, weights = run(drawn_streets, tmp_path / "whole", stages, callbacks=[Average()], every_n_steps=1)
    folder = tmp_path / "killed"
    with pytest.raises(KeyError, match="broken off"):
        run(drawn_streets, folder, stages, callbacks=[Average()], every_n_steps=1, until=3)
    left_over = folder / "features" / "2-head.bin"
    assert not left_over.exists()
    left_over.parent.mkdir()
    left_over.write_bytes(b"of a process that was killed")
    _, resumed = run(drawn_streets, folder, stages, callbacks=[Average()], every_n_steps=1, resume=True)
    torch.testing.assert_close(resumed, weights, rtol=0, atol=0)
    assert len(whole.losses) == 2 + 6 and not left_over.parent.exists()


def test_the_plan_says_the_bytes_of_a_file_that_is_gone_afterwards(
    drawn_streets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    diary, _ = run(drawn_streets, folder, head(2, cache_features=5), callbacks=[TrainingBatch()])
    printed = " ".join(capsys.readouterr().out.split())
    assert len({*diary.bytes}) == 1
    size = f"{diary.bytes[0] / 1e6:.2f} MB on disk"
    assert f"head: features of 2 views of 5, one an epoch: {size}" in printed
    assert not (folder / "features").exists()


def test_the_next_stage_inherits_neither_the_features_nor_the_fixed_batch_norm(drawn_streets: Path) -> None:
    model, data = TASKS["camvid"](str(drawn_streets))
    model.resolve({"num_classes": 3})
    model.configure_model()
    stages = fill([*head(cache_features=4), Stage("decoder"), Stage("all", freeze_to=0)], model, data, "32-true")
    assert [(stage.cache_features, stage.train_bn) for stage in stages] == [(4, False), (None, True), (None, True)]


ONE = "expected a frozen encoder, as with freeze_to -1, got freeze_to -2, which trains encoder_late; leave it out"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cache_features": 2, "freeze_to": -2}, ONE),
        ({"cache_features": 2, "train_bn": True}, "expected train_bn false, got true"),
        ({"cache_features": 0}, "expected a number of views, at least 1, got 0"),
        ({"cache_features": True}, "expected a number of views, at least 1, got True"),
    ],
)
def test_features_that_change_are_refused(settings: dict[str, Any], message: str, drawn_streets: Path) -> None:
    model, data = TASKS["camvid"](str(drawn_streets))
    model.resolve({"num_classes": 3})
    model.configure_model()
    stage = Stage("head", **{"epochs": 1, "freeze_to": -1, **settings})
    with pytest.raises(ValueError, match=re.escape(f"stages: head: cache_features: {message}")):
        fill([stage], model, data, "32-true")


def test_mixed_images_have_no_stored_features(tmp_path: Path) -> None:
    model, data = MultiLabelClassifier(num_labels=3, mixup=0.4, **ENCODER), PlanetDataModule(str(tmp_path))
    with pytest.raises(ValueError, match=r"expected mixup 0, got 0\.4, which mixes images; leave one of them out"):
        fill(head(cache_features=1), model, data, "32-true")


def test_images_with_pasted_objects_have_no_stored_features(tmp_path: Path) -> None:
    model, data = UNetSegmenter(num_classes=3, paste=0.5, **ENCODER), CamVidDataModule(str(tmp_path))
    with pytest.raises(ValueError, match=r"expected paste 0, got 0\.5, which changes images; leave one of them out"):
        fill(head(cache_features=1), model, data, "32-true")


class _OwnStep(UNetSegmenter):
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return super().training_step(batch, batch_idx) / 2


def test_a_step_of_ones_own_is_refused() -> None:
    data = CamVidDataModule("nowhere", image_size=(40, 52), batch_size=4)
    with pytest.raises(ValueError, match="expected training_step of this package, which takes features, got your own"):
        fill(head(cache_features=1), _OwnStep(num_classes=3, **ENCODER), data, "32-true")


def cached_plan(bytes_per_view: int) -> StagePlan:
    """The plan of a stage that asks for four views."""
    plan = planned("head", 9, seconds_per_epoch=1.0, views=4, bytes_per_view=bytes_per_view)
    return replace(plan, stage=replace(plan.stage, cache_features=4))


@pytest.mark.parametrize(("free", "views"), [(10_000, 4), (699, 3), (200, 1)])
def test_a_file_takes_at_most_half_of_the_free_disk(
    free: int, views: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free))
    plan = within_disk(cached_plan(bytes_per_view=100), tmp_path / "new" / "run")
    assert plan.views == views
    assert ("of 4, for half of the free disk" in features_line(plan)) == (views < 4)


def test_a_disk_without_room_for_a_view_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 3_000_000))
    plan = cached_plan(bytes_per_view=2_000_000)
    with pytest.raises(ValueError, match=r"expected 4.00 MB of free disk, .* got 3.00 MB in .*; free some, or leave"):
        within_disk(plan, tmp_path)
