"""How fast is a video predicted, relative to its frames as JPEG files? Does memory grow with its length?

python benchmarks/video_speed.py [FRAMES]     300 frames of 480x360 by default
"""

import resource
import sys
import tempfile
from pathlib import Path

import cv2
import lightning as L
import numpy as np
from side_by_side import side_by_side
from video_flicker import drive

from triptych import CamVidDataModule, UNetSegmenter
from triptych.callbacks import MaskWriter
from triptych.callbacks.video_writer import VideoWriter
from triptych.images import read_rgb
from triptych.synthetic import make_streets
from triptych.trainer.messages import no_advice

SIZE, CLASSES = (360, 480), 12
MEASURED = (100, 300)
"""Frames after which memory is measured."""


class Memory(L.Callback):
    """Notes this process's memory in MB after some frames."""

    def __init__(self) -> None:
        self.megabytes: dict[int, float] = {}

    def on_predict_batch_end(self, trainer: L.Trainer, *_: object) -> None:
        done = trainer.predict_loop.batch_progress.current.processed
        if done in MEASURED:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.megabytes[done] = pages * resource.getpagesize() / 2**20


def main() -> None:
    no_advice()
    count = int(sys.argv[1]) if sys.argv[1:] else 300
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        street = next((make_streets(folder / "street", 4, SIZE) / "images").iterdir())
        (folder / "frames").mkdir()
        video = VideoWriter(folder / "drive.webm", 25)
        for number, frame in enumerate(drive(read_rgb(street), count)):
            cv2.imwrite(str(folder / "frames" / f"{number:06}.jpg"), np.ascontiguousarray(frame[..., ::-1]))
            video.write(lambda pixels=frame: pixels, number / 25)
        video.close()
        model, memory = UNetSegmenter(CLASSES, encoder="timm-tf_efficientnet_lite0"), Memory()

        def predict(source: str, *callbacks: L.Callback) -> None:
            data = CamVidDataModule(str(folder), image_size=(192, 256), batch_size=4, predict_path=str(folder / source))
            writer = MaskWriter(str(folder / f"predicted {source}"))
            trainer = L.Trainer(
                accelerator="cpu", logger=False, enable_progress_bar=False, callbacks=[writer, *callbacks]
            )
            trainer.predict(model, data, return_predictions=False)

        medians = side_by_side(
            {"images": lambda: predict("frames"), "video": lambda: predict("drive.webm", memory)}, rounds=1
        )
    images, of_video = medians.values()
    print(f"{count} frames of 480x360: {images / of_video:.2f} of the images' frames a second")
    print("memory: " + ", ".join(f"{used:.0f} MB after {done} frames" for done, used in memory.megabytes.items()))


if __name__ == "__main__":
    main()
