"""A recipe is its stages' fits one after the other, whatever interrupts it; a script for a process that is killed."""

import contextlib
import io
import json
import os
import platform
import random
import re
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import pytest
import torch
from other_process import held, script
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from triptych import CamVidDataModule, MultiLabelClassifier, PlanetDataModule, UNetSegmenter, top_losses
from triptych.datamodules.hard_examples import read_losses
from triptych.lr_finder import find_lr
from triptych.recipe import Stage, run_recipe
from triptych.recipe.state import RecipeState, StageResult
from triptych.runs.checkpoint import AtomicCheckpointIO

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]

ENCODER = {"encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None}
SETTINGS = {
    **{"accelerator": "cpu", "devices": 1, "log_every_n_steps": 1},
    **{"enable_progress_bar": False, "enable_model_summary": False},
}
STAGES = [
    Stage("half-head", epochs=2, freeze_to=-1, max_lr=["find/10", "find"]),
    Stage("half-all", epochs=1, freeze_to=0, max_lr=[2e-4, 2e-3], sample_weights="last"),
    Stage("full-all", image_size=(64, 96), batch_size=2, augment=False, sample_weights="even"),
]
SIZES = [(32, 48), (32, 48), (64, 96)]
STEPS = [4, 2, 4]
"""Optimizer steps of each stage: eight frames, in batches of four, four and two."""
Weights = dict[str, Tensor]


@pytest.fixture(autouse=True)
def _short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triptych.recipe.stage_run.find_lr", SHORT_SEARCH)


SEARCHED = 12
SHORT_SEARCH = partial(find_lr, start=1e-5, end=0.1, num_steps=SEARCHED)
PLANNING = 3 * 11
"""Training batches of a plan of three stages."""


class Watch(L.Callback):
    """Notes what each fit starts and goes through."""

    def __init__(self) -> None:
        self.fits: list[dict[str, Any]] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        groups = pl_module.network.layer_groups()
        trains = [name for name, group in groups.items() if all(p.requires_grad for p in group)]
        self.fits.append({"weights": copied(pl_module), "trains": trains, "shapes": set(), "drawn": set(), "steps": []})
        self.fits[-1]["epochs"] = trainer.max_epochs

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.fits[-1]["shapes"].add(tuple(batch["image"].shape))
        self.fits[-1]["drawn"].update(batch["path"])
        self.fits[-1]["steps"].append(trainer.global_step)


class Recipe(NamedTuple):
    """A finished recipe."""

    folder: Path
    results: list[StageResult]
    weights: Weights
    watch: Watch
    printed: str


def copied(model: L.LightningModule) -> Weights:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same(left: Weights, right: Weights) -> None:
    """Bit for bit."""
    torch.testing.assert_close(left, right, rtol=0, atol=0)


def fresh(root: Path, workers: int = 0) -> tuple[UNetSegmenter, CamVidDataModule]:
    """A model that takes its classes from the data, and the data."""
    data = CamVidDataModule(str(root), image_size=(32, 48), batch_size=4, num_workers=workers)
    return UNetSegmenter(**ENCODER), data


def run(
    root: Path, folder: Path, stages: list[Stage] = STAGES, workers: int = 0, **more: Any
) -> tuple[list[StageResult], Weights]:
    """Results and final weights of a recipe on fresh objects."""
    model, data = fresh(root, workers)
    settings = {"trainer_or_settings": {**SETTINGS, "callbacks": []}, "every_n_steps": 1, "seed": 0}
    results = run_recipe(model, data, stages, folder=folder, **{**settings, **more})
    return results, copied(model)


@pytest.fixture(scope="module")
def unbroken(drawn_streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The recipe of three stages; its folder is not to be changed."""
    folder, watch = tmp_path_factory.mktemp("recipe") / "run", Watch()
    settings = {"trainer_or_settings": {**SETTINGS, "callbacks": [watch]}}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        patch.setattr("triptych.recipe.stage_run.find_lr", SHORT_SEARCH)
        results, weights = run(drawn_streets, folder, **settings)
    torch.set_num_threads(threads)
    return Recipe(folder, results, weights, watch, out.getvalue())


def checkpoint(folder: Path, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    return loaded


NAMES = ["1-half-head", "2-half-all", "3-full-all"]


def test_each_stage_starts_from_the_last_weights_of_the_one_before(unbroken: Recipe) -> None:
    starts = [fit["weights"] for fit in unbroken.watch.fits[1:]] + [unbroken.weights]
    for name, start in zip(NAMES, starts, strict=True):
        assert_same(checkpoint(unbroken.folder, name)["state_dict"], start)
    first = unbroken.watch.fits[0]["weights"]
    assert any(not torch.equal(first[name], tensor) for name, tensor in starts[0].items())


def test_each_stage_trains_what_it_says_on_pictures_and_batches_of_its_size(unbroken: Recipe) -> None:
    fits = unbroken.watch.fits
    everything = ["encoder_early", "encoder_late", "head"]
    assert [fit["trains"] for fit in fits] == [["head"], everything, everything]
    assert [fit["shapes"] for fit in fits] == [{(4, 3, 32, 48)}, {(4, 3, 32, 48)}, {(2, 3, 64, 96)}]
    assert [fit["steps"] for fit in fits] == [list(range(count)) for count in STEPS]
    assert [fit["epochs"] for fit in fits] == [2, 1, 1]


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder)).Reload()
    return sorted({(event.step, event.value) for event in events.Scalars(name)})


def test_curves_of_all_stages_stand_on_one_axis(unbroken: Recipe) -> None:
    assert [step for step, _ in scalars(unbroken.folder, "train/loss")] == list(range(10))
    assert [step for step, _ in scalars(unbroken.folder, "val/mean_iou")] == [1, 3, 5, 9]
    assert scalars(unbroken.folder, "epoch") == list(enumerate([0, 0, 1, 1, 2, 2, 3, 3, 3, 3]))
    assert EventAccumulator(str(unbroken.folder)).Reload().Tags()["images"] == ["lr_find"]


@pytest.mark.parametrize("limit", [1, 3])
def test_axis_has_no_gap_where_batches_are_limited(drawn_streets: Path, tmp_path: Path, limit: int) -> None:
    model, data = fresh(drawn_streets)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = L.Trainer(
        **quiet, log_every_n_steps=1, limit_train_batches=limit, limit_val_batches=1, accumulate_grad_batches=2
    )
    data.batch_size = 2
    run_recipe(model, data, [Stage("a", 1, max_lr=1e-3), Stage("b"), Stage("c")], trainer, tmp_path / "run", seed=0)
    steps = 3 * (1 if limit == 1 else 2)
    assert [step for step, _ in scalars(tmp_path / "run", "train/loss")] == list(range(steps))


def test_folder_holds_a_checkpoint_per_stage_the_search_and_the_summary(unbroken: Recipe) -> None:
    there = {str(path.relative_to(unbroken.folder)) for path in unbroken.folder.rglob("*")}
    assert {name for name in there if "tfevents" not in name} == {
        *("hard_examples", f"hard_examples/{NAMES[1]}.csv"),
        *("checkpoints", *(f"checkpoints/{name}.ckpt" for name in NAMES)),
        *("lr_find", f"lr_find/{NAMES[0]}", f"lr_find/{NAMES[0]}/lr_find.json", f"lr_find/{NAMES[0]}/lr_find.png"),
        *("hparams.yaml", "recipe.json", "summary.json"),
    }


def test_summary_holds_the_result_of_each_stage(unbroken: Recipe) -> None:
    summary = json.loads((unbroken.folder / "summary.json").read_text())
    assert summary["task"] == "UNetSegmenter"
    stages = summary["stages"]
    assert [(one["name"], one["epochs"], tuple(one["image_size"]), one["batch_size"]) for one in stages] == [
        *(("half-head", 2, (32, 48), 4), ("half-all", 1, (32, 48), 4), ("full-all", 1, (64, 96), 2))
    ]
    for one, result, name, step in zip(stages, unbroken.results, NAMES, [3, 5, 9], strict=True):
        assert one["scores"] == result.scores
        assert dict(scalars(unbroken.folder, "val/mean_iou"))[step] == pytest.approx(one["scores"]["mean_iou"])
        assert Path(one["checkpoint"]) == unbroken.folder / "checkpoints" / f"{name}.ckpt"
        assert min(one[key] for key in ("seconds", "planned_seconds", "memory", "planned_memory")) > 0


def test_rate_that_was_found_is_what_is_saved(unbroken: Recipe) -> None:
    search = json.loads((unbroken.folder / "lr_find" / NAMES[0] / "lr_find.json").read_text())
    found = [search["rate"] / 10, search["rate"]]
    rates = [found, [2e-4, 2e-3], [2e-4, 2e-3]]
    assert [result.max_lr for result in unbroken.results] == rates
    for name, rate in zip(NAMES, rates, strict=True):
        loaded = checkpoint(unbroken.folder, name)
        assert loaded["hyper_parameters"]["max_lr"] == rate
        peaks = [group["initial_lr"] for group in loaded["optimizer_states"][0]["param_groups"]]
        assert (peaks[0], peaks[-1]) == pytest.approx(tuple(rate))
    assert "find" not in (unbroken.folder / "hparams.yaml").read_text()


def test_a_slice_that_was_found_is_saved_as_text(drawn_streets: Path, tmp_path: Path) -> None:
    model, data = fresh(drawn_streets)
    stages = [Stage("a", 1, -1, max_lr="slice(find)"), Stage("b", freeze_to=0, max_lr=slice("find/9", "find"))]  # type: ignore[arg-type]
    results = run_recipe(model, data, stages, SETTINGS, tmp_path / "run", seed=0)
    searches = [tmp_path / "run" / "lr_find" / stage / "lr_find.json" for stage in ("1-a", "2-b")]
    first, second = (json.loads(search.read_text())["rate"] for search in searches)
    assert [result.max_lr for result in results] == [f"slice({first})", f"slice({second / 9}, {second})"]
    peaks = [
        [group["initial_lr"] for group in checkpoint(tmp_path / "run", name)["optimizer_states"][0]["param_groups"]]
        for name in ("1-a", "2-b")
    ]
    assert peaks == [[first / 10, first / 10, first], pytest.approx([second / 9, second / 3, second])]


def test_last_losses_are_those_of_the_weights_that_the_stage_starts_from(unbroken: Recipe, drawn_streets: Path) -> None:
    _, data = fresh(drawn_streets)
    losses = top_losses(unbroken.folder / "checkpoints" / f"{NAMES[0]}.ckpt", data, split="train")
    rows = read_losses(unbroken.folder / "hard_examples" / f"{NAMES[1]}.csv")
    assert [(row.path, row.wrong) for row in rows] == [(one.path, one.wrong) for one in losses]
    assert [row.loss for row in rows] == pytest.approx([one.loss for one in losses])
    drawn = [len(fit["drawn"]) for fit in unbroken.watch.fits]
    assert drawn[0] == drawn[2] == 8 > drawn[1]  # hard frames twice, others not at all


def test_tables_fit_in_80_columns(unbroken: Recipe) -> None:
    lines = unbroken.printed.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in unbroken.printed
    for name in ("half-head", "half-all", "full-all"):
        assert sum(name in line for line in lines) >= 3  # in the plan, at its start and in the end
    rate = f"{unbroken.results[0].max_lr[1]:.1e}"
    assert rate in "\n".join(lines[-20:])


def test_single_stage_is_an_ordinary_fit(drawn_streets: Path, tmp_path: Path) -> None:
    L.seed_everything(7, verbose=False)
    arguments = {**ENCODER, "num_classes": 32, "ignore_index": 30}
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=4)
    model = UNetSegmenter(**arguments)
    stage = Stage("one", 2, freeze_to=-1, max_lr=[1e-3, 1e-2], weight_decay=0.1, pct_start=0.5, precision="bf16-mixed")
    run_recipe(model, data, [stage], SETTINGS, tmp_path / "run", seed=3)

    L.seed_everything(7, verbose=False)
    data = CamVidDataModule(str(drawn_streets), image_size=(32, 48), batch_size=4)
    by_hand = UNetSegmenter(**arguments, freeze_to=-1, max_lr=[1e-3, 1e-2], weight_decay=0.1, pct_start=0.5)
    L.seed_everything(4, verbose=False)  # the recipe's seed, and the stage's number
    quiet = {**SETTINGS, "logger": False, "enable_checkpointing": False, "enable_model_summary": False}
    L.Trainer(**quiet, max_epochs=2, precision="bf16-mixed", num_sanity_val_steps=0).fit(by_hand, data)
    assert_same(dict(model.state_dict()), dict(by_hand.state_dict()))


def test_dry_run_writes_nothing_and_leaves_model_and_data(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model, data = fresh(drawn_streets)
    assert run_recipe(model, data, STAGES, SETTINGS, "run", dry_run=True) == []
    assert list(tmp_path.iterdir()) == []
    assert (model.hparams["max_lr"], model.hparams["freeze_to"]) == (1e-3, 0)
    assert (data.image_size, data.batch_size, data.augment) == ((32, 48), 4, True)
    assert "in 3 stages" in capsys.readouterr().out


def test_finished_run_is_not_repeated(
    unbroken: Recipe, drawn_streets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (unbroken.folder / "checkpoints").iterdir()}
    watch = Watch()
    settings = {"trainer_or_settings": {**SETTINGS, "callbacks": [watch]}, "resume": True}
    results, weights = run(drawn_streets, unbroken.folder, **settings)
    assert results == unbroken.results
    assert_same(weights, unbroken.weights)
    assert watch.fits == []
    assert {path: path.stat().st_mtime_ns for path in (unbroken.folder / "checkpoints").iterdir()} == before
    assert [line for line in capsys.readouterr().out.splitlines() if "half-head" in line][-1] in unbroken.printed


def refused(words: str, kind: type[Exception] = ValueError) -> Any:
    return pytest.raises(kind, match=f"^{re.escape(words)}$")


def test_folder_of_another_run_is_refused(
    unbroken: Recipe, drawn_streets: Path, drawn_tiles: Path, tmp_path: Path
) -> None:
    folder, resume = unbroken.folder, {"resume": True}
    with refused(f"{folder}: another run is in this folder; resume it, or name a new one.", FileExistsError):
        run(drawn_streets, folder)
    with refused(f"{tmp_path}: expected the folder of a recipe to resume, got none (no recipe.json in it)."):
        run(drawn_streets, tmp_path, **resume)
    with refused(f"{folder}: this run cannot be resumed: its seed was 0, now 1."):
        run(drawn_streets, folder, seed=1, **resume)
    changed = [*STAGES[:2], Stage("full-all", image_size=(64, 96), batch_size=3, augment=False)]
    words = "batch_size of stage full-all was 2, now 3; start a new one, without --resume."
    with refused(f"{folder}: this run cannot be resumed: {words}"):
        run(drawn_streets, folder, changed, **resume)
    model, data = MultiLabelClassifier(**ENCODER), PlanetDataModule(str(drawn_tiles), image_size=(32, 32))
    with refused(f"{folder}: this run cannot be resumed: its number of processes was 1, now 2."):
        run(drawn_streets, folder, trainer_or_settings={**SETTINGS, "devices": 2}, **resume)
    other = shutil.copytree(drawn_streets, tmp_path / "streets")
    with refused(f"{folder}: this run cannot be resumed: its data.root was {drawn_streets}, now {other}."):
        run(other, folder, **resume)
    with refused(f"{folder}: this run cannot be resumed: its task was UNetSegmenter, now MultiLabelClassifier."):
        run_recipe(model, data, STAGES, SETTINGS, folder, seed=0, **resume)


def test_folder_where_another_process_writes_is_refused(drawn_streets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with held(folder) as process:
        words = f"{folder}: process {process.pid} on {platform.node()} writes there; "
        with refused(words + "wait until it ends, or let the new run write elsewhere.", FileExistsError):
            run(drawn_streets, folder)
        assert [path.name for path in folder.iterdir()] == [".lock"]


def test_same_model_and_data_resume_after_a_failure(unbroken: Recipe, drawn_streets: Path, tmp_path: Path) -> None:
    model, data = fresh(drawn_streets)
    settings = {**SETTINGS, "callbacks": []}
    arguments = (model, data, STAGES, settings, tmp_path / "run")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(InterruptionError):
        interrupt_training(patch, PLANNING + SEARCHED + STEPS[0] + STEPS[1] + 2)
        run_recipe(*arguments, every_n_steps=1, seed=0)
    assert (data.image_size, data.batch_size, model.hparams["max_lr"]) == ((32, 48), 4, 1e-3)
    run_recipe(*arguments, resume=True, every_n_steps=1, seed=0)
    assert_same(copied(model), unbroken.weights)


def test_run_resumes_in_another_place_and_in_the_same_process(drawn_streets: Path, tmp_path: Path) -> None:
    stages = [Stage("a", 1, max_lr=(1e-4, 1e-3)), Stage("b", image_size=(48, 64))]
    L.seed_everything(5, verbose=False)
    expected, weights = run(drawn_streets, tmp_path / "whole", stages, seed=None)
    with pytest.MonkeyPatch.context() as patch:
        interrupt_training(patch, 2 * 11 + 2 + 1)  # the plan, stage a, a step of b
        with pytest.raises(InterruptionError):
            run(drawn_streets, tmp_path / "here", stages, seed=5)
    (tmp_path / "here").rename(tmp_path / "there")
    L.seed_everything(5, verbose=False)
    results, resumed = run(drawn_streets, tmp_path / "there", stages, seed=None, resume=True)
    assert_same(resumed, weights)
    assert [result.scores for result in results] == [result.scores for result in expected]
    again, _ = run(drawn_streets, tmp_path / "there", stages, seed=None, resume=True)  # not seeded again
    assert again == results


class InterruptionError(Exception):
    """Stands for a kill."""


def interrupt() -> None:
    raise InterruptionError


def interrupt_training(patch: pytest.MonkeyPatch, after: int, end: Callable[[], None] = interrupt) -> None:
    """Interrupts the training batch after `after` others, of the plan, a search or a fit."""
    seen, step = [0], UNetSegmenter.training_step

    def training_step(self: UNetSegmenter, batch: Any, batch_idx: int) -> Tensor:
        seen[0] += 1
        if seen[0] > after:
            end()
        return step(self, batch, batch_idx)

    patch.setattr(UNetSegmenter, "training_step", training_step)


def interrupt_call(patch: pytest.MonkeyPatch, owner: type, name: str, number: int, before: bool) -> None:
    """Interrupts the call of that number before, or after, its work."""
    seen, method = [0], getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        seen[0] += 1
        if before and seen[0] == number:
            interrupt()
        result = method(*args, **kwargs)
        if seen[0] == number:
            interrupt()
        return result

    patch.setattr(owner, name, call)


@pytest.fixture(scope="module")
def only_planned(drawn_streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was interrupted after its plan; not to be changed."""
    folder = tmp_path_factory.mktemp("recipe") / "planned"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(InterruptionError):
        interrupt_training(patch, PLANNING)
        run(drawn_streets, folder)
    return folder


def resumed(root: Path, folder: Path, watch: Watch) -> tuple[list[StageResult], Weights]:
    """Results and weights after a resume with fresh objects and another global seed."""
    L.seed_everything(99, verbose=False)
    return run(root, folder, resume=True, trainer_or_settings={**SETTINGS, "callbacks": [watch]})


CALLS = [
    *((UNetSegmenter, "eval_step", number) for number in range(1, 6)),
    *((AtomicCheckpointIO, "save_checkpoint", number) for number in range(1, 14)),
    *((RecipeState, "save", number) for number in range(1, 8)),
]
PLACES: dict[str, Any] = {
    **{f"batch {n}": partial(interrupt_training, after=n) for n in range(SEARCHED + sum(STEPS))},
    **{
        f"{'before' if early else 'after'} {name} {number}": partial(
            interrupt_call, owner=owner, name=name, number=number, before=early
        )
        for owner, name, number in CALLS
        for early in (True, False)
    },
}
"""Where a run that has its plan may be interrupted: before a training batch, or around what it does between them."""
CHOSEN = [
    *("batch 5", "batch 15", "before eval_step 2", "after save_checkpoint 4", "before save 3", "after save 7"),
    *random.Random(4).sample(sorted(PLACES), 1),
]


@pytest.mark.parametrize("place", CHOSEN)
def test_interrupted_run_ends_as_the_unbroken_one(
    unbroken: Recipe, only_planned: Path, drawn_streets: Path, tmp_path: Path, place: str
) -> None:
    folder = Path(shutil.copytree(only_planned, tmp_path / "run"))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(InterruptionError):
        PLACES[place](patch)
        resumed(drawn_streets, folder, Watch())
    finished = len(RecipeState.open(folder, {}, resume=True).done)
    watch = Watch()
    results, weights = resumed(drawn_streets, folder, watch)
    assert_same(weights, unbroken.weights)
    assert [result.max_lr for result in results] == [result.max_lr for result in unbroken.results]
    assert [result.scores for result in results] == [result.scores for result in unbroken.results]
    assert len(watch.fits) <= len(STAGES) - finished
    for name in ("train/loss", "val/mean_iou", "epoch"):
        assert scalars(folder, name) == scalars(unbroken.folder, name)
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == [f"{name}.ckpt" for name in NAMES]


ACCUMULATED = {**SETTINGS, "accumulate_grad_batches": 2, "callbacks": []}


@pytest.mark.slow
def test_killed_process_resumes_as_if_it_had_lived(drawn_streets: Path, tmp_path: Path) -> None:
    _, expected = run(drawn_streets, tmp_path / "whole", trainer_or_settings=ACCUMULATED)
    search = 2 * SEARCHED
    kills = [3 * 12 + search + 3, 2 + 2 + 3, None]  # in the second epoch of the first stage, in the last stage, never
    signals = [signal.SIGKILL, signal.SIGTERM, 0]
    for kill, number, resume in zip(kills, signals, ["", "resume", "resume"], strict=True):
        options = [str(kill or ""), str(int(number)), resume]
        output = tmp_path / "printed.txt"
        process = script([__file__, str(drawn_streets), str(tmp_path / "killed"), *options], output)
        process.join(300)
        assert process.exitcode == {signal.SIGTERM: 143, signal.SIGKILL: -9, 0: 0}[number], output.read_text()
        if number == signal.SIGTERM:
            assert "go on with: run_recipe(..., resume=True)." in output.read_text()
    names = sorted(path.name for path in (tmp_path / "killed" / "checkpoints").iterdir())
    assert names == [f"{name}.ckpt" for name in NAMES]
    assert_same(checkpoint(tmp_path / "killed", NAMES[-1])["state_dict"], expected)


def main(root: str, folder: str, kill_after: str, number: str, resume: str) -> None:
    """Runs the recipe with a worker, and sends its process a signal after that number of training batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("triptych.recipe.stage_run.find_lr", SHORT_SEARCH)
        if kill_after:
            interrupt_training(patch, int(kill_after), lambda: os.kill(os.getpid(), int(number)))
        more = {"trainer_or_settings": ACCUMULATED, "resume": bool(resume)}
        run(Path(root), Path(folder), workers=1, **more)


if __name__ == "__main__":
    main(*sys.argv[1:])
