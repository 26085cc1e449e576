"""How much faster is a step on a CPU with each of the four settings of this package?

These are channels-last memory, bfloat16, float32 gradients of depthwise convolutions, and freed memory that is reused.
Each line adds one setting to the previous line. The memory setting cannot be undone, so it comes last.

    python benchmarks/processor_step.py [HEIGHT WIDTH]
"""

import sys
from collections.abc import Callable

import torch
from side_by_side import side_by_side

from triptych import UNetSegmenter
from triptych.models.depthwise import DepthwiseConv2d
from triptych.trainer.cpu import keep_freed_memory


def build(memory_format: torch.memory_format, own_depthwise: bool) -> UNetSegmenter:
    model = UNetSegmenter(12, 11, encoder="timm-tf_efficientnet_lite0").to(memory_format=memory_format)
    for module in model.modules():
        if isinstance(module, DepthwiseConv2d) and not own_depthwise:
            module.__class__ = torch.nn.Conv2d
    return model.train()


def stepper(model: UNetSegmenter, half: bool, size: tuple[int, int]) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters())
    image, mask = torch.randint(0, 256, (8, 3, *size), dtype=torch.uint8), torch.randint(0, 12, (8, *size))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = model.mean_loss(model(image), mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def main() -> None:
    size = (int(sys.argv[1]), int(sys.argv[2])) if sys.argv[2:] else (192, 256)
    last = torch.channels_last
    ours = stepper(build(last, True), True, size)
    side_by_side(
        {
            "float32": stepper(build(torch.contiguous_format, False), False, size),
            "+ channels-last": stepper(build(last, False), False, size),
            "+ bfloat16": stepper(build(last, False), True, size),
            "+ float32 gradients of depthwise convolutions": ours,
        },
        rounds=5,
    )
    keep_freed_memory()
    side_by_side({"+ freed memory is reused": ours}, rounds=5)


if __name__ == "__main__":
    main()
