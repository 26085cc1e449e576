"""How much faster does `VoidMaskedAccuracy` count a batch than torchmetrics' micro accuracy with `ignore_index`?

python benchmarks/metric_update.py
"""

import torch
from side_by_side import side_by_side
from torchmetrics.classification import MulticlassAccuracy

from triptych import VoidMaskedAccuracy

CLASSES, VOID = 32, 30


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    preds, target = (torch.randint(0, CLASSES, (8, 360, 480), generator=generator) for _ in range(2))
    reference = MulticlassAccuracy(CLASSES, average="micro", ignore_index=VOID)
    ours = VoidMaskedAccuracy(ignore_index=VOID)
    medians = side_by_side(
        {
            "torchmetrics MulticlassAccuracy(micro)": lambda: reference.update(preds, target),
            "VoidMaskedAccuracy": lambda: ours.update(preds, target),
        },
        rounds=15,
    )
    torch.testing.assert_close(ours.compute(), reference.compute())
    reference_s, ours_s = medians.values()
    print(f"class ids 8x360x480, {CLASSES} classes: {reference_s / ours_s:.1f} times as fast")


if __name__ == "__main__":
    main()
