"""A camera, read frame by frame with OpenCV."""

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from triptych.datasets.frames import Frame, usual_or
from triptych.errors import BadSampleError, MissingDataError
from triptych.images.silence import silent_opencv


class Camera:
    """A camera of this machine; it ends when the one who reads does.

    Args:
        index: Number of the camera, 0 for the first.

    Raises:
        MissingDataError: There is no such camera, or another program uses it.
    """

    count: int | None = None
    has_sound = False

    def __init__(self, index: int) -> None:
        self.name, self.source = f"camera-{index}", f"camera {index}"
        self.paths: list[Path] = []
        self._index = index
        capture = self._open()
        self.fps = usual_or(capture.get(cv2.CAP_PROP_FPS))
        capture.release()

    def __iter__(self) -> Iterator[Frame]:
        capture, number, begin = self._open(), 0, None
        try:
            while True:
                is_read, pixels = capture.read()
                if not is_read:
                    raise BadSampleError(
                        f"{self.source}: expected another frame after {number}, got none; is it still connected? What "
                        "was predicted is kept."
                    )
                now = time.monotonic()
                begin = now if begin is None else begin
                yield Frame(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8), number, now - begin)
                number += 1
        finally:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        with silent_opencv():
            capture = cv2.VideoCapture(self._index)
        if not capture.isOpened():
            raise MissingDataError(
                f"predict_path: expected camera {self._index}, got none that can be opened; connect it, end the "
                "program that uses it, or give a file or folder."
            )
        return capture
