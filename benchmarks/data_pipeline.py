"""How many images a second does one core put into batches, from the files and from decoded ones, beside decoding?

python benchmarks/data_pipeline.py [DIR]     on made-up streets, or on the frames in DIR

Seconds are those of this process, so that others on the machine matter little.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import cv2
import torch
from side_by_side import side_by_side
from torch.utils.data import DataLoader

from triptych import CamVidDataModule
from triptych.synthetic import make_streets
from triptych.trainer.cpu import keep_freed_memory

FRAMES = 120


def main() -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    keep_freed_memory()  # as in a fit, whose workers inherit it
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRIPTYCH_CACHE"] = f"{folder}/decoded"
        root = sys.argv[1] if sys.argv[1:] else str(make_streets(f"{folder}/streets", FRAMES, (360, 480)))
        plain, decoded = (train_loader(root, cache) for cache in ("off", "disk"))
        frames = plain.dataset.records
        every = max(1, len(frames) // FRAMES)

        def decode() -> None:
            for index in range(0, len(frames), every):
                frames[index]

        medians = side_by_side(
            {
                "decoding frame and mask": seconds_of(decode, -(-len(frames) // every)),
                "decoding, augmentation, batches": seconds_of(lambda: batches(plain), len(frames)),
                "augmentation, batches, decoded before": seconds_of(lambda: batches(decoded), len(frames)),
            }
        )
    decoding, pipeline, cached = (1 / seconds for seconds in medians.values())
    print(f"images a second a core: decoding {decoding:.0f}, pipeline {pipeline:.0f}, with cache {cached:.0f}")
    print(f"of decoding: pipeline {pipeline / decoding:.3f}, with cache {cached / decoding:.2f}")


def train_loader(root: str, cache: Any) -> DataLoader[Any]:
    """The training batches of a data module."""
    data = CamVidDataModule(root, (192, 256), 8, cache=cache)
    data.setup("fit")
    return data.train_dataloader()


def batches(loader: DataLoader[Any]) -> None:
    for _ in loader:
        pass


def seconds_of(run: Callable[[], None], images: int) -> Callable[[], float]:
    """A function that returns the seconds of this process for an image."""

    def timed() -> float:
        start = time.process_time()
        run()
        return (time.process_time() - start) / images

    return timed


if __name__ == "__main__":
    main()
