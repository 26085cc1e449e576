"""Which fraction of the decoding speed is left after augmentation and batching, in images per second and core?

python benchmarks/data_pipeline.py [DIR]     on made-up streets, or on the frames in DIR
"""

import sys
import tempfile

import cv2
import torch
from side_by_side import side_by_side
from torch.utils.data import DataLoader

from triptych.datamodules.epoch_order import EpochSampler
from triptych.datamodules.samples import SampleDataset
from triptych.datasets import CamVid
from triptych.synthetic import make_streets
from triptych.trainer.cpu import keep_freed_memory
from triptych.transforms import camvid_pipeline

FRAMES = 120


def main() -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    keep_freed_memory()  # as in a fit, whose workers inherit it
    with tempfile.TemporaryDirectory() as folder:
        root = sys.argv[1] if sys.argv[1:] else str(make_streets(f"{folder}/streets", FRAMES, (360, 480)))
        frames = CamVid(root)
        frames = CamVid(root, frames.names[:FRAMES])
        samples = SampleDataset(frames, camvid_pipeline((192, 256), frames.ignore_index), seed=0)
        loader = DataLoader(samples, batch_size=8, sampler=EpochSampler(len(frames), shuffle=True, seed=0))

        def decode() -> None:
            for index in range(len(frames)):
                frames[index]

        def whole() -> None:
            for _ in loader:
                pass

        medians = side_by_side({"decoding frame and mask": decode, "decoding, augmentation, batches": whole})
    decoding, pipeline = (len(frames) / seconds for seconds in medians.values())
    print(f"images a second a core: decoding {decoding:.0f}, pipeline {pipeline:.0f}, ratio {pipeline / decoding:.3f}")


if __name__ == "__main__":
    main()
