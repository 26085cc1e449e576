"""How much less do the classes of a video flicker if their probabilities are averaged from frame to frame?

python benchmarks/video_flicker.py CKPT IMAGE     a checkpoint of UNetSegmenter, and a frame for it to drive over

The drive is made up: a window moves over the frame and comes nearer, and each frame has the noise of a camera.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import seed_everything

from triptych import UNetSegmenter
from triptych.images import read_rgb
from triptych.metrics.flicker import Flicker
from triptych.models.running_average import RunningAverage
from triptych.trainer.evaluation_mode import evaluation_mode

FRAMES, NOISE, SMOOTH = 120, 2.0, (0.0, 0.5, 0.7, 0.9)
Pixels = npt.NDArray[np.uint8]


def drive(image: Pixels, count: int, noise: float = NOISE) -> Iterator[Pixels]:
    """Frames of the size of an image: a window over it that moves by half a pixel a frame, with new noise in each."""
    generator = np.random.default_rng(0)
    height, width = image.shape[:2]
    for number in range(count):
        zoom, shift = 1.1 + 0.001 * number, 0.5 * number
        matrix = np.array([[zoom, 0, -0.05 * width - shift], [0, zoom, -0.05 * height - shift / 2]])
        frame = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        yield np.clip(np.rint(frame + generator.normal(0, noise, frame.shape)), 0, 255).astype(np.uint8)


def main() -> None:
    seed_everything(0, verbose=False)
    checkpoint, image = sys.argv[1:]
    model = UNetSegmenter.load_from_checkpoint(checkpoint, map_location="cpu")
    averages = {smooth: (RunningAverage(smooth), Flicker()) for smooth in SMOOTH}
    with evaluation_mode(model):
        for frame in drive(read_rgb(Path(image)), FRAMES):
            pixels = torch.from_numpy(cv2.resize(frame, (256, 192), interpolation=cv2.INTER_AREA)).permute(2, 0, 1)
            probabilities = model(pixels[None]).float().softmax(dim=1)
            for average, flicker in averages.values():
                flicker.update(pixels, average(probabilities)[0].argmax(dim=0))
    first = averages[0.0][1].compute()
    for smooth, (_, flicker) in averages.items():
        found = flicker.compute()
        print(
            f"smooth {smooth:.1f}: {found:.2%} of the still pixels change their class, {found / first:.2f} of the first"
        )


if __name__ == "__main__":
    main()
