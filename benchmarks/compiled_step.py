"""Does `torch.compile` pay for a training step: how much faster is it, and how long does the compiler take?

Model, data and batch size are those of `configs/TASK.yaml`; one batch is loaded before, and a step is forward pass,
loss, gradients and AdamW. The compiler starts without its cache, and again with it. Both networks draw the same random
numbers. Speeds are multiples of that without the compiler; that of a fit counts the seconds of the compiler too. A C++
compiler must be installed.

python benchmarks/compiled_step.py [camvid|biwi|planet] [DIR]     on made-up data, or on DIR; see --help
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from side_by_side import side_by_side
from train_step import LOSSES, made

from triptych.cli.make_data import MADE_UP
from triptych.optim import adamw
from triptych.tasks.base import TransferTask
from triptych.trainer.cpu import keep_freed_memory

SHORT = 20 * 60
"""Seconds of a fit in which the compiler should pay."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", default="camvid", choices=[task for task in LOSSES if task != "imdb"])
    parser.add_argument("dir", nargs="?", help="data set; made-up data without it")
    parser.add_argument("--size", type=int, nargs=2, help="height and width of the images")
    parser.add_argument("--batch", type=int, help="images per batch")
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--part", default="network", help="what is compiled: network, network.encoder, ...")
    parser.add_argument("--mode", help="mode of torch.compile, such as max-autotune-no-cudagraphs")
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


class Step:
    """A training step of a model of its own.

    Args:
        build: Makes the model.
        batch: The batch of all steps.
        loss: The loss of a model and a batch.
        half: Whether it trains in bfloat16.
    """

    def __init__(self, build: Callable[[], TransferTask], batch: Any, loss: Callable[..., Any], half: bool) -> None:
        torch.manual_seed(0)
        self.model, self.batch, self.loss, self.half = build().train(), batch, loss, half
        self.optimizer = adamw(self.model.layer_groups(), 1e-4, weight_decay=0.01, fused=True)
        self.losses: list[float] = []

    def __call__(self) -> None:
        torch.manual_seed(len(self.losses))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            loss = self.loss(self.model, self.batch)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.losses.append(float(loss.detach()))


def timed(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def speed_of_fit(of_step: float, compiler: float, seconds: float = SHORT) -> float:
    """Speed of a fit with the compiler, as a multiple of its speed without.

    Args:
        of_step: Speed of a step, likewise.
        compiler: Seconds that the compiler takes.
        seconds: Seconds of the fit without it.
    """
    return seconds / (compiler + seconds / of_step)


def compare(args: argparse.Namespace, build: Callable[[], TransferTask], batch: Any) -> None:
    def first_step(compiled: bool) -> tuple[Step, float]:
        step = Step(build, batch, LOSSES[args.task], args.precision == "bf16-mixed")
        if compiled:
            step.model.get_submodule(args.part).compile(mode=args.mode, dynamic=False)
        return step, timed(step)

    eager, _ = first_step(compiled=False)
    compiled, cold = first_step(compiled=True)
    medians = side_by_side({"eager": eager, f"{args.part} compiled": compiled}, args.rounds)
    torch.compiler.reset()
    warm = first_step(compiled=True)[1]
    first_losses = zip(eager.losses[:2], compiled.losses[:2], strict=True)
    print(f"the losses of two steps differ by at most {max(abs(a - b) for a, b in first_losses):.1e}")
    print_row(args, batch, *medians.values(), cold, warm)


def print_row(args: argparse.Namespace, batch: Any, eager: float, compiled: float, cold: float, warm: float) -> None:
    """Prints a row of Markdown with its heading; the times are in seconds."""
    (height, width), speed = batch["image"].shape[-2:], eager / compiled
    cells = {
        "fit": f"{args.task}, {height}x{width}, batch {len(batch['image'])}, {args.precision}",
        "compiled": " ".join(filter(None, (args.part, args.mode))),
        "threads": str(torch.get_num_threads()),
        "step, not compiled": f"{1e3 * eager:.0f} ms",
        "speed of a step": f"{speed:.2f}",
        "compiler, with its cache": f"{cold:.0f} s, {warm:.0f} s",
        "speed of a fit of 20 minutes, with its cache": ", ".join(
            f"{speed_of_fit(speed, s):.2f}" for s in (cold, warm)
        ),
    }
    for row in (cells, ["---"] * len(cells), cells.values()):
        print(f"| {' | '.join(row)} |")


def main() -> None:
    args = arguments()
    config = yaml.safe_load((Path(__file__).parents[1] / "configs" / f"{args.task}.yaml").read_text())
    given = {"image_size": args.size, "batch_size": args.batch, "num_workers": 0}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = f"{folder}/compiler"
        torch._inductor.config.fallback_random = True  # the random numbers of eager networks
        root = args.dir or str(MADE_UP[args.task](f"{folder}/{args.task}"))
        data = made(config["data"], root=root, **{name: value for name, value in given.items() if value is not None})
        data.setup("fit")

        def build() -> TransferTask:
            model: TransferTask = made(config["model"])
            model.resolve(data.metadata)
            model.configure_model()
            return model

        keep_freed_memory()
        compare(args, build, next(iter(data.train_dataloader())))


if __name__ == "__main__":
    main()
