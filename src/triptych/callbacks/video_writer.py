"""A video that is drawn and encoded in a thread, beside the network."""

import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from triptych.files import atomic_path

Pixels = npt.NDArray[np.uint8]

_DEPTH = 4
"""Frames that wait to be drawn."""
_TICKS = 1000
"""Units of time in a second: WebM counts milliseconds."""
_OPTIONS = {"crf": "30", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"}
"""Of libvpx: constant quality, at the speed of a video call."""
_BT601 = 6
"""AVCOL_SPC_SMPTE170M, by which RGB is converted."""


class VideoWriter:
    """Writes a WebM file with VP9, which browsers play, without sound; each frame keeps its time.

    It is written atomically: whatever ends the frames, `close` gives a whole file with those that came. Without a frame
    there is no file.

    Args:
        path: The file; its folder exists.
        fps: Frames per second that the file states.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path, self.fps = path, fps
        self._files = contextlib.ExitStack()
        self._thread = ThreadPoolExecutor(1, "video_writer")
        self._waiting: deque[Future[None]] = deque()
        self._stream: Any = None
        self._last = -1

    def write(self, draw: Callable[[], Pixels], time_s: float) -> None:
        """Adds a frame; waits while others wait already.

        Args:
            draw: Gives its pixels, RGB (H, W, 3); called in a thread, one frame after another.
            time_s: Seconds from the first frame.
        """
        self._waiting.append(self._thread.submit(self._write, draw, time_s))
        if len(self._waiting) > _DEPTH:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Writes the frames that wait, and ends the file."""
        with self._files:
            self._thread.shutdown()
            while self._waiting:
                self._waiting.popleft().result()

    def _write(self, draw: Callable[[], Pixels], time_s: float) -> None:
        pixels = draw()
        if self._stream is None:
            self._open(*pixels.shape[:2])
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        self._last = frame.pts = max(self._last + 1, round(_TICKS * time_s))
        frame.time_base = Fraction(1, _TICKS)
        self._encode(frame)

    def _open(self, height: int, width: int) -> None:
        part = self._files.enter_context(atomic_path(self.path))
        self._container = self._files.enter_context(av.open(str(part), "w"))
        rate = Fraction(self.fps).limit_denominator(1001)
        self._stream = self._container.add_stream("libvpx-vp9", rate, options=_OPTIONS)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)
        self._stream.codec_context.colorspace = _BT601
        self._stream.bit_rate = 0
        self._files.callback(self._encode, None)

    def _encode(self, frame: av.VideoFrame | None) -> None:
        """Encodes a frame, or at the end what is left."""
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
