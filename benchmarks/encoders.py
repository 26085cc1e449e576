"""Which encoders train in channels-last memory on a CPU?

Each encoder of segmentation_models_pytorch gets random weights, the U-Net's decoder, and three steps on two images of
64x64 pixels, each trial in a process of its own: a crash is a result. The table is `docs/encoders.md`:

    OMP_NUM_THREADS=1 nice python benchmarks/encoders.py > docs/encoders.md
"""

import argparse
import fnmatch
import multiprocessing
import os
import resource
import signal
import sys
import warnings
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

import segmentation_models_pytorch as smp
import torch
from torch import nn

from triptych.models import UNet
from triptych.models.strided import SubsampledConv2d

STEPS, BATCH, SIDE = 3, 2, 64
MEMORY, SECONDS = 20 * 2**30, 600
"""Limits of a trial: bytes of address space, and time."""
INTRO = """\
# Encoders

`encoder` of a model is any encoder of
[segmentation_models_pytorch](https://smp.readthedocs.io/en/latest/encoders.html) with features at strides 2 or 4 to 32.
This table has each name that `segmentation_models_pytorch.encoders.get_encoder_names()` lists; the `tu-` encoders,
those of timm, are not among them.

- *parameters* are those of the encoder, without decoder and head.
- *strides* are those of its features.
- *trains*: three steps of our U-Net with random weights, in channels-last memory, on a CPU. Otherwise the reason.
- *torch alone*: the same without our change of [strided 1x1 convolutions of few
  channels](https://github.com/uxlfoundation/oneDNN/issues/6035), whose gradient in channels-last memory ends the
  process.
"""
OUTRO = """
Made with torch {torch}, segmentation_models_pytorch {smp} and AVX2 instructions:

```
OMP_NUM_THREADS=1 nice python benchmarks/encoders.py > docs/encoders.md
```
"""


class Trial(NamedTuple):
    """What came of a few steps: the parameters of the encoder, its strides, and why it does not train, if so."""

    parameters: int = 0
    strides: Sequence[int] = ()
    has_own: bool = False
    failure: str = ""

    @property
    def verdict(self) -> str:
        """A cell of the table."""
        return self.failure or "yes"


def steps(name: str, own: bool) -> Trial:
    """Trains an encoder for a few steps.

    Args:
        name: Its name.
        own: Whether strided 1x1 convolutions of few channels are ours, or torch's.
    """
    torch.manual_seed(0)
    network = UNet(2, name, None)
    ours = [module for module in network.modules() if isinstance(module, SubsampledConv2d)]
    for module in () if own else ours:
        module.__class__ = nn.Conv2d
    images = torch.randint(256, (BATCH, 3, SIDE, SIDE), dtype=torch.uint8)
    pixels = network.normalize(images)
    mask = torch.randint(2, (BATCH, SIDE, SIDE))
    for _ in range(STEPS):
        features = network.encoder(pixels)
        loss = nn.functional.cross_entropy(network.head(network.decoder(features)), mask)
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter -= 1e-4 * parameter.grad
    strides = [SIDE // feature.shape[-1] for feature in features if feature.shape[1]]
    bad = [key for key, parameter in network.named_parameters() if not parameter.isfinite().all()]
    failure = f"not finite: {bad[0]}" if bad else "" if loss.isfinite() else "the loss is not finite"
    return Trial(sum(p.numel() for p in network.encoder.parameters()), strides, bool(ours), failure)


def tried(name: str, own: bool) -> Trial:
    """`steps` in a forked process with limits; a crash, an error and a timeout are failures."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, name, own))
    process.start()
    sender.close()
    try:
        trial: Trial | None = receiver.recv() if receiver.poll(SECONDS) else Trial(failure=f"no end in {SECONDS} s")
    except EOFError:
        trial = None
    if trial is not None:
        process.kill()  # it has said all, or takes too long
    process.join()
    return trial or Trial(failure=f"aborts ({signal.Signals(-(process.exitcode or 0)).name})")


def _report(sender: Connection, name: str, own: bool) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # glibc's last words
    try:
        sender.send(steps(name, own))
    except Exception as error:
        sender.send(Trial(failure=str(error).splitlines()[0]))


def row(name: str) -> str:
    """The line of an encoder in the table."""
    ours = tried(name, True)
    alone = tried(name, False) if ours.has_own else ours
    size, strides = f"{ours.parameters / 1e6:.1f} M", ", ".join(map(str, ours.strides))
    return f"| `{name}` | {size} | {strides} | {ours.verdict} | {alone.verdict} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="PATTERN", default="*", help="only encoders such as 'resnet*'")
    pattern = parser.parse_args().only
    # the instructions of most processors; what fails with them does not always fail with AVX-512
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
    torch.set_num_threads(1)  # a forked process cannot use the threads of its parent
    warnings.simplefilter("ignore")
    print(INTRO)
    print("| encoder | parameters | strides | trains | torch alone |")
    print("| --- | ---: | --- | --- | --- |")
    for name in fnmatch.filter(smp.encoders.get_encoder_names(), pattern):
        print(row(name), flush=True)
    print(OUTRO.format(torch=torch.__version__.split("+")[0], smp=smp.__version__), end="")


if __name__ == "__main__":
    main()
