"""Video files, read frame by frame with PyAV (FFmpeg)."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from triptych.datasets.frames import Frame, usual_or
from triptych.errors import BadSampleError, MissingDataError

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts"}
    | {".webm", ".wmv"}
)
_ONLY_THIS_FILE = {
    "format_whitelist": "asf,avi,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,ogg",
    "protocol_whitelist": "file",
}
"""Options of FFmpeg: no playlist, which names other files or addresses, whatever the suffix says."""
_TOLERANCE, _TOLERANCE_S = 0.05, 1.0
"""Fraction of a video, and seconds, that may be missing at its end; the smaller one counts."""


class Video:
    """A video file. Frames are turned as the file says, so that they come as they are shown.

    Args:
        path: MP4, MOV, WebM, Matroska, AVI or another file that FFmpeg decodes.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It is no video.
    """

    def __init__(self, path: Path) -> None:
        self.name, self.source, self.paths = path.stem, str(path), [path]
        with self._open() as container:
            stream = container.streams.video[0]
            self.fps = usual_or(float(stream.average_rate or 0))
            self.has_sound = bool(container.streams.audio)
            self._exact_count, self._seconds = stream.frames, _seconds(container)
        self.count: int | None = self._exact_count or round(self._seconds * self.fps) or None

    def __iter__(self) -> Iterator[Frame]:
        done, begin, time_s = 0, None, 0.0
        with self._open() as container:
            for image in _decoded(container):
                begin = image.time if begin is None else begin
                time_s = done / self.fps if image.time is None or begin is None else image.time - begin
                yield Frame(_upright(image), done, time_s)
                done += 1
        self._check_end(done, time_s)

    def _open(self) -> InputContainer:
        (path,) = self.paths
        if not path.is_file():
            raise MissingDataError(f"{path}: no such file; expected a video.")
        try:
            container = av.open(str(path), options=_ONLY_THIS_FILE)
        except (av.FFmpegError, ValueError) as error:
            raise BadSampleError(
                f"{path}: expected a video, got a file that FFmpeg cannot open as one ({_reason(error)}); a recording "
                "that was broken off may lack its index."
            ) from error
        if not container.streams.video:
            container.close()
            raise BadSampleError(f"{path}: expected a video, got a file without a video stream.")
        return container

    def _check_end(self, done: int, time_s: float) -> None:
        """Raises BadSampleError if the file ends long before the number of frames, or the duration, that it states."""
        if not done:
            raise BadSampleError(f"{self.source}: expected a video, got one without a frame that can be read.")
        stated = self.count or done
        missing = self._exact_count - done if self._exact_count else (self._seconds - time_s) * self.fps - 1
        if missing > max(1.0, min(_TOLERANCE * stated, _TOLERANCE_S * self.fps)):
            raise BadSampleError(
                f"{self.source}: {done} of {stated} frames were done, and their predictions are kept; there the file "
                "ends, as if it was cut off or damaged."
            )


def _seconds(container: InputContainer) -> float:
    """The duration of the video stream that the file states; 0 if there is none, or one that may be the sound's."""
    stream = container.streams.video[0]
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if of_stream := re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", "")):  # Matroska, WebM
        hours, minutes, seconds = map(float, of_stream.groups())
        return 3600 * hours + 60 * minutes + seconds
    return 0.0 if container.streams.audio else (container.duration or 0) / av.time_base


def _decoded(container: InputContainer) -> Iterator[Any]:
    """The frames of the first video stream, without those that cannot be decoded."""
    packets = container.demux(container.streams.video[0])
    with contextlib.suppress(av.FFmpegError):  # the file ends within a packet
        for packet in packets:
            images: list[Any] = []
            with contextlib.suppress(av.InvalidDataError):
                images = packet.decode()
            yield from images


def _upright(image: Any) -> npt.NDArray[np.uint8]:
    """RGB (H, W, 3), turned counterclockwise by the angle that the file states."""
    pixels = image.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, round(image.rotation / 90)))


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
