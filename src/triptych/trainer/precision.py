"""`precision: auto`: the faster of 32 bits and mixed precision, timed on the model itself."""

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities import rank_zero_info

from triptych.trainer.cycle import stop_schedules
from triptych.trainer.evaluation_mode import evaluation_mode
from triptych.trainer.temporary_fit import temporary_fit

AUTO = "auto"
_FULL = "32-true"
_STEPS = 3
"""Steps of a trial; the first one is the warm-up, in which kernels are built, and another one may be disturbed."""
_ROUNDS, _CLEAR = 2, 2
"""Trials of each precision, in turn; a factor of so much between them is clear after the first ones."""
_PIXELS, _LEAST, _MOST = 2**18, 2, 32
"""A batch of a trial on a CPU: images of so many pixels together, at least two; at most so many other samples.

At full size a step may take a minute in a slow precision. In a smaller batch what a step does once, such as converting
the weights to bfloat16, outweighs what each sample costs, and the precision that is slower in training may win."""
_PASSES, _IMAGES, _SIDE, _SLOW = 4, 2, 128, 1.5
"""Of a trial in evaluation the passes, the number, height and width of images, and the factor from which it is slow."""


def fastest_precision(settings: Mapping[str, Any], model: L.LightningModule, datamodule: Any) -> str:
    """The precision in which a training step takes the least time: 32 bits, or the mixed one that this device has.

    A few steps are run in each and undone, see `temporary_fit`; a line tells both times. All processes get the same.

    Args:
        settings: Arguments of a Trainer, whose devices and strategy are used.
        model: Any LightningModule.
        datamodule: The data, as `Trainer.fit` takes them.

    Returns:
        `"32-true"`, `"bf16-mixed"`, or `"16-mixed"` on a GPU without bfloat16.
    """
    mixed, on_gpu = _mixed(settings.get("accelerator", AUTO))
    one_step = {**settings, "accumulate_grad_batches": 1}
    seconds: dict[str, float] = {}
    with contextlib.nullcontext() if on_gpu else _few_samples(datamodule):
        for _ in range(_ROUNDS):
            for precision in (_FULL, mixed):
                watch = _StepWatch()
                temporary_fit({**one_step, "precision": precision}, model, datamodule, watch, _STEPS)
                seconds[precision] = min(watch.seconds, seconds.get(precision, watch.seconds))
            if max(seconds.values()) > _CLEAR * min(seconds.values()):
                break
    fastest = min(seconds, key=lambda precision: seconds[precision])
    times = ", ".join(f"{took:.2f} s in {precision}" for precision, took in seconds.items())
    rank_zero_info(f"precision: {fastest}, since a trial step takes {times}.")
    return fastest


def trained_precision(checkpoint: Mapping[str, Any]) -> str | None:
    """The precision in which a checkpoint was trained; None if it does not say."""
    precision: str | None = checkpoint.get("environment", {}).get("precision")
    return precision


def evaluation_precision(checkpoint: Mapping[str, Any], model: L.LightningModule, accelerator: Any) -> str:
    """The precision in which a checkpoint was trained, so that its scores are found again.

    It is 32 bits if this device has no such precision, or is slow in it; a trial with images says so in a line.

    Args:
        checkpoint: A checkpoint of a task.
        model: The task, its network built.
        accelerator: Accelerator of the Trainer that evaluates.
    """
    trained = trained_precision(checkpoint) or _FULL
    on_gpu = _mixed(accelerator)[1]
    if on_gpu or "in_channels" not in model.hparams or trained not in ("16-mixed", "bf16-mixed"):
        return trained
    slow = trained == "16-mixed" or _slow_in_half(model)
    if slow:
        rank_zero_info(f"precision: {_FULL}, since the checkpoint's {trained} is slow on this machine.")
    return _FULL if slow else trained


def _slow_in_half(model: L.LightningModule) -> bool:
    """Whether a CPU predicts more slowly in bfloat16; the passes take turns, since other work disturbs some of them."""
    images = torch.zeros(_IMAGES, model.hparams["in_channels"], _SIDE, _SIDE, dtype=torch.uint8, device=model.device)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    with evaluation_mode(model):
        for half in [*seconds] * _PASSES:
            began = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                model(images)
            seconds[half].append(time.perf_counter() - began)
    return min(seconds[True]) > _SLOW * min(seconds[False])


def _mixed(accelerator: Any) -> tuple[str, bool]:
    """The mixed precision to try, and whether the device is a GPU of CUDA."""
    on_gpu = accelerator in (AUTO, "gpu", "cuda") and torch.cuda.is_available()
    lacks = on_gpu and not torch.cuda.is_bf16_supported(including_emulation=False)
    return "16-mixed" if lacks else "bf16-mixed", on_gpu


@contextlib.contextmanager
def _few_samples(datamodule: Any) -> Iterator[None]:
    before = getattr(datamodule, "batch_size", None)
    if before is None:
        yield
        return
    size = getattr(datamodule, "image_size", None)  # of a module of someone's own: a side, two, or anything else
    sides = (size, size) if isinstance(size, int) else size
    few = max(_LEAST, _PIXELS // math.prod(sides)) if isinstance(sides, Sequence) else _MOST
    datamodule.batch_size = min(before, few) if isinstance(before, int) else few
    try:
        yield
    finally:
        datamodule.batch_size = before


class _StepWatch(L.Callback):
    """Times training batches after the first, from their start to their end, without the wait for data."""

    def __init__(self) -> None:
        self.seconds = float("inf")

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        stop_schedules(trainer)

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self.began = _now()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_step > 1:
            self.seconds = min(self.seconds, float(trainer.strategy.broadcast(_now() - self.began)))


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()  # its kernels run on after the call
    return time.perf_counter()
