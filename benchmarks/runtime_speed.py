"""How much sooner and faster does an exported model answer than torch with the checkpoint, and in how much memory?

First the seconds from the start of a process to its first answer, and its peak memory, each in processes that run in
turn; then images per second in one process, in which both answer for one image after another in turn.

    python benchmarks/runtime_speed.py RUN EXPORTED IMAGE [ROUNDS]

RUN is the run folder of a fit, EXPORTED the folder that `triptych export` wrote from it, IMAGE a file of the size that
images have in validation.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from side_by_side import side_by_side

MODELS = ("torch", "runtime")


def answering(name: str, source: str) -> Callable[[Any], object]:
    """A function that answers for an image: with a mask, points, or tags."""
    if name == "torch":
        from triptych import MultiLabelClassifier, PointRegressor, UNetSegmenter  # noqa: F401 (the checkpoint's class)
        from triptych.tasks.load import load_model

        return load_model(source).predict
    from triptych.runtime import load

    model = load(source)
    attribute = {"mask": "mask", "point": "points", "labels": "tags"}[model.manifest.task]
    return lambda image: getattr(model(image), attribute)


def peak_mb() -> float:
    """Most memory that this process has had; what it inherits from its parent does not count: proc(5)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def first_answer(name: str, source: str, image: str) -> tuple[float, float]:
    """Seconds to the first answer of a fresh process, and its peak memory in MB."""
    start = time.perf_counter()
    command = [sys.executable, __file__, "--answer", name, source, image]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        peak = float(process.stdout.readline())
        return time.perf_counter() - start, peak


def compare_starts(sources: dict[str, str], image: str, rounds: int) -> None:
    turns = [{name: first_answer(name, sources[name], image) for name in MODELS} for _ in range(rounds + 1)][1:]
    seconds = {name: statistics.median(turn[name][0] for turn in turns) for name in MODELS}
    peaks = {name: statistics.median(turn[name][1] for turn in turns) for name in MODELS}
    for name in MODELS:
        sooner, less = seconds["torch"] / seconds[name], peaks["torch"] / peaks[name]
        print(f"{name:8s} first answer {seconds[name]:6.2f} s ({sooner:.1f} times as soon as torch)", end="   ")
        print(f"peak memory {peaks[name]:5.0f} MB (torch / this {less:.1f})")


def compare_speed(sources: dict[str, str], image: str, rounds: int) -> None:
    def timed(answer: Callable[[Any], object]) -> float:
        start = time.perf_counter()
        answer(image)
        return time.perf_counter() - start

    models = {name: answering(name, sources[name]) for name in MODELS}
    medians = side_by_side({name: partial(timed, model) for name, model in models.items()}, rounds)
    print(", ".join(f"{name} {1 / value:.1f} images/s" for name, value in medians.items()))


def main() -> None:
    run, exported, image, *rest = sys.argv[1:]
    sources, rounds = {"torch": run, "runtime": exported}, int(rest[0]) if rest else 5
    compare_starts(sources, image, rounds)
    compare_speed(sources, image, 4 * rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--answer"]:
        answering(sys.argv[2], sys.argv[3])(sys.argv[4])
        print(peak_mb(), flush=True)
    else:
        main()
