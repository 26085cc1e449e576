"""Fit, finder, recipe and command line in two processes; run as a script, this file is one of the two."""

import contextlib
import hashlib
import json
import math
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from command_line import config_args, runs_in, table
from other_process import script
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

from triptych import (
    BIWIDataModule,
    CamVidDataModule,
    MultiLabelClassifier,
    PlanetDataModule,
    PointRegressor,
    UNetSegmenter,
    find_lr,
)
from triptych.callbacks import (
    ClassScores,
    HyperParameters,
    Mistakes,
    PointWriter,
    ResumePoint,
    TrainingBatch,
    ValidationFrames,
)
from triptych.datamodules.base import TriptychDataModule
from triptych.recipe import Stage, run_recipe
from triptych.synthetic import make_tiles
from triptych.tasks.base import TransferTask
from triptych.tasks.score_report import NoScoreReport
from triptych.trainer import largest_batch
from triptych.trainer.processes import is_first_process, shared

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]

SECONDS = 120
SETTINGS = {"accelerator": "cpu", "devices": 2, "strategy": "ddp"}
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
ENCODER: dict[str, Any] = {"encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None}
CLASS_WEIGHTS = [0.5 + number % 3 for number in range(32)]
TASKS = ("camvid", "biwi", "planet")
STOPPED_AT = 5


def made(task: str, folder: Path, **data: Any) -> tuple[TransferTask, TriptychDataModule]:
    """A small model, and data of which five samples validate it."""
    small: dict[str, Any] = {"image_size": (32, 32), "batch_size": 2, **data}
    L.seed_everything(0, verbose=False)
    if task == "camvid":
        five = str(folder / "five.txt")
        model = UNetSegmenter(class_weights=CLASS_WEIGHTS, **ENCODER)
        return model, CamVidDataModule(str(folder / task), valid_list=five, **small)
    if task == "biwi":
        return PointRegressor(**ENCODER), BIWIDataModule(str(folder / task), **small)
    return MultiLabelClassifier(**ENCODER), PlanetDataModule(str(folder / task), valid_fraction=5 / 17, **small)


def digest(model: L.LightningModule) -> str:
    """Of all weights and statistics."""
    whole = hashlib.sha256()
    for tensor in model.state_dict().values():
        whole.update(tensor.numpy().tobytes())
    return whole.hexdigest()


def scores_of(trainer: L.Trainer) -> dict[str, Any]:
    """The scores of the last validation, and their intervals."""
    scores: Any = trainer.lightning_module.split_scores
    assert scores.over.endswith(f"5 {scores.units.noun}s") and len(scores.intervals) > 0
    intervals = {f"interval of {name}": [*bounds] for name, bounds in scores.intervals.items()}
    values = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val/")}
    return {**values, **intervals}


# What each of the two processes does.


def fit_and_find(folder: Path) -> dict[str, Any]:
    """Of each task: a search, then a fit, and after it a validation of batches of one sample."""
    return {task: fitted(task, folder) for task in TASKS}


def fitted(task: str, folder: Path) -> dict[str, Any]:
    model, data = made(task, folder)
    trainer = L.Trainer(**SETTINGS, **QUIET, callbacks=[NoScoreReport()], max_epochs=1, limit_train_batches=2)
    data.setup("fit")
    model.resolve(data.metadata)
    model.configure_model()
    before = digest(model)
    search = find_lr(trainer, model, data, num_steps=12)
    same = digest(model) == before
    trainer.fit(model, data)
    in_fit, weights = scores_of(trainer), digest(model)
    if trainer.is_global_zero:
        torch.save(model.state_dict(), folder / f"{task}.pt")
    data.batch_size = 1
    trainer.validate(model, data, verbose=False)
    return {
        **{"search": search.to_dict(), "same": same, "weights": weights, "in_fit": in_fit},
        "one_by_one": scores_of(trainer),
    }


def synchronised(folder: Path) -> dict[str, Any]:
    """A search and a fit without and with synchronised batch-norm, which on CPUs gets no sums of the other process."""
    torch.nn.SyncBatchNorm.forward = _BatchNorm.forward  # type: ignore[method-assign]
    DistributedDataParallel._passing_sync_batchnorm_handle = lambda *_: None  # it refuses CPUs
    answer = {}
    for name, more in (("own", {}), ("synchronised", {"sync_batchnorm": True})):
        model, data = made("planet", folder)
        trained = Norms()
        trainer = L.Trainer(**SETTINGS, **QUIET, **more, callbacks=[NoScoreReport(), trained], max_epochs=1)
        search = find_lr(trainer, model, data, num_steps=12)
        trainer.fit(model, data)
        answer[name] = {"losses": search.losses, "weights": digest(model), "scores": scores_of(trainer)}
        answer[f"{name} norms"] = [sorted(trained.kinds), sorted(norms_of(model))]
    return answer


class Norms(L.Callback):
    """Notes the kinds of batch-norm that are trained."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.kinds = norms_of(pl_module)


def norms_of(model: L.LightningModule) -> set[str]:
    return {type(module).__name__ for module in model.modules() if isinstance(module, _BatchNorm)}


class Stop(L.Callback):
    """Fails in the second epoch of the second stage."""

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        if trainer.global_step == STOPPED_AT and pl_module.hparams["freeze_to"] == 0:
            raise RuntimeError("on purpose")


def whole_and_resumed_recipe(folder: Path) -> dict[str, Any]:
    """A recipe from end to end, and another that fails and is resumed."""
    written = watch_writing(folder)
    answer: dict[str, Any] = {"whole": recipe(folder, "whole")}
    with contextlib.suppress(RuntimeError):
        recipe(folder, "resumed", Stop())
    answer["left"] = sorted(path.name for path in (folder / "resumed" / "checkpoints").iterdir())
    answer["resumed"] = recipe(folder, "resumed", resume=True)
    return {**answer, "written": written}


def recipe(
    folder: Path, name: str, *callbacks: L.Callback, batch_size: int = 2, resume: bool = False
) -> dict[str, Any]:
    model, data = made("planet", folder, batch_size=batch_size)
    head = Stage("head", epochs=1, freeze_to=-1, max_lr="find")
    stages = [head, Stage("all", epochs=2, freeze_to=0, max_lr=1e-3, sample_weights="last")]
    quiet = {"enable_progress_bar": False, "log_every_n_steps": 1}
    settings = {**SETTINGS, **quiet, "callbacks": [*pictures(), *callbacks]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("triptych.recipe.run.shared", shared_late)
        done = run_recipe(model, data, stages, settings, folder / name, resume=resume, every_n_steps=1)
    return {"weights": digest(model), "max_lr": [result.max_lr for result in done], "scores": done[-1].scores}


def shared_late(value: Any) -> Any:
    """As `shared`; but the second process is late once the folder is settled, when the first may begin to write."""
    answer = shared(value)
    if isinstance(value, Path) and not is_first_process():
        time.sleep(1)
    return answer


def pictures() -> list[L.Callback]:
    """What the shipped recipes draw, which the first process does alone."""
    return [TrainingBatch(), ValidationFrames(), Mistakes(), ClassScores(), HyperParameters()]


def watch_writing(folder: Path) -> list[str]:
    """A list that fills with what Python makes, writes, renames or removes below a folder."""
    written: list[str] = []
    makes = {"os.mkdir", "os.rename", "os.link", "os.remove"}

    def note(event: str, args: tuple[Any, ...]) -> None:
        opens_to_write = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in makes or opens_to_write) and str(args[0]).startswith(str(folder)):
            written.append(f"{event} {args[0]}")

    sys.addaudithook(note)
    return written


def batch_that_fits(folder: Path) -> dict[str, Any]:
    """A fit with a batch size of auto; the second process has memory for two tiles."""
    model, data = made("planet", folder, batch_size="auto")
    if os.environ["RANK"] == "1":
        largest_batch.free_memory = lambda device: math.inf if int(data.batch_size) <= 2 else 0.0
    trainer = L.Trainer(**SETTINGS, **QUIET, callbacks=[NoScoreReport()], max_epochs=1)
    trainer.fit(model, data)
    return {"at_once": data.micro_batch_size, "steps": trainer.global_step, "weights": digest(model)}


class Signal(L.Callback):
    """Sends SIGTERM to the second process alone, after a step within the second epoch."""

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_rank == 1 and trainer.global_step == STOPPED_AT:
            os.kill(os.getpid(), signal.SIGTERM)


def stopped_and_resumed_fit(folder: Path) -> dict[str, Any]:
    """A fit from end to end, and another that is stopped and resumed."""

    stopped = folder / "stopped"

    def fit(*callbacks: L.Callback, ckpt_path: Path | None = None) -> dict[str, Any]:
        model, data = made("planet", folder)
        settings = {**SETTINGS, **QUIET, "enable_checkpointing": bool(callbacks)}
        trainer, code = L.Trainer(**settings, callbacks=[NoScoreReport(), *callbacks], max_epochs=2), None
        try:
            trainer.fit(model, data, ckpt_path=ckpt_path)
        except SystemExit as stop:
            code = stop.code
        return {"code": code, "steps": trainer.global_step, "weights": digest(model)}

    return {
        "whole": fit(),
        "stopped": fit(Signal(), ResumePoint(dirpath=str(stopped))),
        "resumed": fit(ckpt_path=stopped / "last.ckpt"),
    }


class Memory(L.Callback):
    """Runs out for four tiles within the second stage, in the second process."""

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, _: int) -> None:
        within = trainer.global_step > 0 and pl_module.hparams["freeze_to"] == 0
        if within and trainer.global_rank == 1 and len(batch["image"]) == 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def recipe_without_memory(folder: Path) -> dict[str, Any]:
    """A recipe in which memory runs out in one process, while the other waits for it."""
    try:
        recipe(folder, "memory", Memory(), batch_size=4)
    except RuntimeError as error:
        return {"error": str(error)}
    return {}


def recipe_that_goes_on(folder: Path) -> dict[str, Any]:
    return recipe(folder, "memory", Memory(), batch_size=4, resume=True)


def predicted(folder: Path) -> dict[str, Any]:
    """Points of five pictures, some of the same name: one point by our data, two points by a loader of a user's."""
    data = BIWIDataModule("nowhere", image_size=(32, 32), batch_size=1, predict_path=str(folder / "pictures"))
    paths = sorted((folder / "pictures").rglob("*.png"))
    image, size = torch.zeros(3, 32, 32, dtype=torch.uint8), torch.tensor([8, 9])
    samples: Any = [{"image": image, "path": str(path), "size": size} for path in paths]
    loader = DataLoader(samples, sampler=DistributedSampler(samples, 2, int(os.environ["RANK"]), shuffle=False))
    for number, source in enumerate((data, loader), start=1):
        model = PointRegressor(num_points=number, **ENCODER)
        writer = PointWriter(str(folder / f"points {number}"))
        L.Trainer(**SETTINGS, **QUIET, callbacks=[writer]).predict(model, source, return_predictions=False)
    return {"padded": len(loader.sampler)}  # type: ignore[arg-type]


JOBS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "batch_that_fits": batch_that_fits,
    "recipe_without_memory": recipe_without_memory,
    "recipe_that_goes_on": recipe_that_goes_on,
    "fit_and_find": fit_and_find,
    "predicted": predicted,
    "stopped_and_resumed_fit": stopped_and_resumed_fit,
    "synchronised": synchronised,
    "whole_and_resumed_recipe": whole_and_resumed_recipe,
}


def main(job: str, folder: Path) -> None:
    answer = JOBS[job](folder)
    (folder / f"{job}.{os.environ['RANK']}.json").write_text(json.dumps(answer))


# What comes of them.


@pytest.fixture(scope="module")
def folder(drawn_streets: Path, drawn_portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the three tasks."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "camvid").symlink_to(drawn_streets)
    (folder / "biwi").symlink_to(drawn_portraits)
    make_tiles(folder / "planet", 17, (32, 32))
    frames = sorted(path.name for path in (drawn_streets / "images").iterdir())
    (folder / "five.txt").write_text("\n".join(frames[:5]))
    return folder


LOCAL = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "COLUMNS": "80"}


def run(words: Sequence[str], environments: Mapping[Path, Mapping[str, str]]) -> str:
    """What processes print that run a script side by side; one that takes longer than two minutes fails.

    Args:
        words: The script and its arguments.
        environments: What is added to the environment of each, by the file that it prints into.
    """
    processes = [script(words, output, {**LOCAL, **added}) for output, added in environments.items()]
    try:
        for process in processes:
            process.join(SECONDS)
        ends = [process.exitcode for process in processes]
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):  # nothing of it is left
                os.killpg(process.pid or 0, signal.SIGKILL)
            process.join()
    printed = "\n".join(output.read_text() for output in environments)
    assert not any(ends) and None not in ends, printed
    return printed


def by_torchrun(name: str, words: Sequence[str], folder: Path) -> None:
    """Runs a script in two processes, with the environment that torchrun gives them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    shared |= {"TORCHELASTIC_RUN_ID": "none", "GROUP_RANK": "0"}
    run(words, {folder / f"{name}.{rank}.txt": {**shared, "RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")})


def answers(job: str, folder: Path) -> list[dict[str, Any]]:
    """What both processes found."""
    by_torchrun(job, [__file__, job, str(folder)], folder)
    return [json.loads((folder / f"{job}.{rank}.json").read_text()) for rank in (0, 1)]


@pytest.fixture(scope="module")
def fits(folder: Path) -> list[dict[str, Any]]:
    return answers("fit_and_find", folder)


@pytest.mark.parametrize("task", TASKS)
def test_both_processes_find_the_same_and_leave_the_model(fits: list[dict[str, Any]], task: str) -> None:
    first, second = (fit[task] for fit in fits)
    assert first["search"] == second["search"]
    assert len(first["search"]["losses"]) == 12
    assert first["same"] and second["same"]


@pytest.mark.parametrize("task", TASKS)
def test_both_processes_end_a_fit_with_the_same_weights(fits: list[dict[str, Any]], task: str) -> None:
    assert fits[0][task]["weights"] == fits[1][task]["weights"]


def test_synchronised_norms_keep_their_activations_in_a_search_and_a_fit(folder: Path) -> None:
    for answer in answers("synchronised", folder):
        assert answer["synchronised"] == answer["own"]
        own = ["ActivatedBatchNorm2d", "BatchNorm1d", "BatchNorm2d"]
        assert answer["own norms"] == [own, own]
        assert answer["synchronised norms"] == [["SyncBatchNorm", "SyncBatchNormAct"], own]


@pytest.mark.parametrize(("when", "batch_size"), [("in_fit", 2), ("one_by_one", 1)])
@pytest.mark.parametrize("task", TASKS)
def test_two_processes_score_five_samples_as_one_does(
    fits: list[dict[str, Any]], folder: Path, task: str, when: str, batch_size: int
) -> None:
    model, data = made(task, folder, batch_size=batch_size)
    data.setup("fit")
    model.resolve(data.metadata)
    model.configure_model()
    model.load_state_dict(torch.load(folder / f"{task}.pt", weights_only=True))
    trainer = L.Trainer(accelerator="cpu", **QUIET, callbacks=[NoScoreReport()])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the processes: the last bit of a network's output depends on it
    try:
        trainer.validate(model, data, verbose=False)
    finally:
        torch.set_num_threads(threads)
    expected = scores_of(trainer)
    assert len(data.records["val"]) == 5
    assert "val/loss" in expected and len(expected) >= 3
    loss = expected.pop("val/loss")
    for fit in fits:
        scores = dict(fit[task][when])
        assert scores.pop("val/loss") == pytest.approx(loss, abs=5e-8)
        assert scores == expected


def test_each_picture_is_written_once_by_two_processes(folder: Path) -> None:
    names = ["a/x.png", "b/x.png", "b/y.png", "x.png", "z.png"]
    for name in names:
        (folder / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 8)).save(folder / "pictures" / name)
    assert [answer["padded"] for answer in answers("predicted", folder)] == [3, 3]  # of five, so one comes twice
    for number in (1, 2):
        rows = [row["path"] for row in table(folder / f"points {number}" / "points.csv")]
        assert rows == [str(folder / "pictures" / name) for name in names for _ in range(number)]
    ours, theirs = (folder / f"points {number}" / "pictures" for number in (1, 2))
    assert sorted(path.relative_to(ours).as_posix() for path in ours.rglob("*.png")) == names
    assert [path.name[0] for path in sorted(theirs.rglob("*.png"))] == ["x", "x", "x", "y", "z"]


def test_a_signal_to_one_process_stops_both_after_the_same_step(folder: Path) -> None:
    for answer in answers("stopped_and_resumed_fit", folder):
        assert (answer["stopped"]["code"], answer["stopped"]["steps"]) == (143, STOPPED_AT + 1)
        assert answer["resumed"] == answer["whole"]
    assert (folder / "stopped_and_resumed_fit.0.txt").read_text().count("stopped by SIGTERM after step 6; go on") == 1


@pytest.fixture(scope="module")
def recipes(folder: Path) -> list[dict[str, Any]]:
    return answers("whole_and_resumed_recipe", folder)


def test_both_processes_end_a_recipe_alike(recipes: list[dict[str, Any]]) -> None:
    assert recipes[0]["whole"] == recipes[1]["whole"]
    assert len(recipes[0]["whole"]["max_lr"]) == 2


def test_a_recipe_that_failed_resumes_to_the_same_weights(recipes: list[dict[str, Any]]) -> None:
    for answer in recipes:
        assert "2-all.last.ckpt" in answer["left"] and "2-all.ckpt" not in answer["left"]
        assert answer["resumed"] == answer["whole"]


def test_the_first_process_alone_writes(recipes: list[dict[str, Any]], folder: Path) -> None:
    assert recipes[1]["written"] == []
    assert any(re.search(r"\.recipe\.\w+-\d+\.part\.json", event) for event in recipes[0]["written"])
    images = EventAccumulator(str(folder / "whole")).Reload().Tags()["images"]
    assert {"train/batch", "val/frames", "val/top_losses", "val/confusion"} <= {*images}
    assert json.loads((folder / "whole" / "recipe.json").read_text())["done"][1]["name"] == "all"


def test_both_processes_take_the_batch_that_fits_into_the_memory_of_each(folder: Path) -> None:
    first, second = answers("batch_that_fits", folder)
    assert first == second
    assert (first["at_once"], first["steps"]) == (2, 1)


def test_a_recipe_whose_memory_runs_out_in_one_process_goes_on_when_it_is_resumed(folder: Path) -> None:
    _, second = answers("recipe_without_memory", folder)
    words = "stage all: out of memory; it goes on with 2 at once, accumulated 2 times to 4 if it is resumed (--resume)."
    assert second["error"] == words
    first, second = answers("recipe_that_goes_on", folder)
    assert first == second
    plans = json.loads((folder / "memory" / "recipe.json").read_text())["plans"]
    assert [plan["micro_batches"] for plan in plans] == [1, 2]


@pytest.fixture
def command(drawn_tiles: Path) -> list[str]:
    """The command with a small network, in two processes."""
    network = ["--model.encoder", ENCODER["encoder"], "--model.encoder_weights", "null"]
    config = config_args("planet", drawn_tiles)
    two = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]
    return [*config, *network, *two]


SCRIPT = str(Path(sys.executable).with_name("triptych"))


def printed(subcommand: str, args: Sequence[str], folder: Path) -> str:
    """What the console script prints; Lightning starts it once more for the second process."""
    return run([SCRIPT, subcommand, *args], {folder / f"{subcommand}.txt": {}})


def test_a_fit_on_the_command_line_searches_and_trains_once(command: list[str], tmp_path: Path) -> None:
    output = printed("fit", [*command, *runs_in(tmp_path / "runs"), "--model.max_lr", "find"], tmp_path)
    (run_folder,) = (tmp_path / "runs" / "planet").iterdir()
    assert {"config.yaml", "lr_find", "checkpoints"} <= {path.name for path in run_folder.iterdir()}
    assert len(list(run_folder.glob("events.*"))) == 1
    assert [output.count(word) for word in ("checkpoint: ", "curves: ", "curve: ")] == [1, 1, 1]
    more = ["--model.max_lr", "find", "--ckpt_path", "last", "--trainer.max_epochs", "3"]
    resumed = printed("fit", [*command, *runs_in(tmp_path / "runs"), *more], tmp_path)  # locked by the first process
    assert f"checkpoint: {run_folder}/checkpoints/best.ckpt" in resumed
    last = run_folder / "checkpoints" / "last.ckpt"
    assert torch.load(last, weights_only=True)["epoch"] == 2
    by_torchrun("again", [SCRIPT, "fit", *command, *runs_in(tmp_path / "runs"), *more[:-1], "4"], tmp_path)
    assert torch.load(last, weights_only=True)["epoch"] == 3
    assert [path.name for path in (tmp_path / "runs" / "planet").iterdir()] == [run_folder.name]
    assert not (run_folder / ".lock").exists()


def test_a_recipe_on_the_command_line_runs_once(command: list[str], tmp_path: Path) -> None:
    config = [word.replace("planet.yaml", "recipes/planet_quick.yaml") for word in command]
    stages = [{"name": "head", "epochs": 1, "freeze_to": -1, "max_lr": 1e-3}, {"name": "all", "freeze_to": 0}]
    output = printed("recipe", [*config, *runs_in(tmp_path / "runs"), "--stages", json.dumps(stages)], tmp_path)
    (run_folder,) = (tmp_path / "runs" / "planet-quick").iterdir()
    there = {"recipe.json", "summary.json", "checkpoints"}
    assert there <= {path.name for path in run_folder.iterdir()}
    assert [output.count(words) for words in ("stage 1 of 2: head", "stage 2 of 2: all", "curves: ")] == [1, 1, 1]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
