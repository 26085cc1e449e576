"""Small videos for the tests, written by PyAV alone."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer

Pixels = npt.NDArray[np.uint8]
LOSSLESS = ("ffv1", "bgr0")


def write_video(
    path: Path,
    frames: Sequence[Pixels],
    fps: int = 10,
    codec: tuple[str, str] = ("mpeg4", "yuv420p"),
    times_ms: Sequence[int] | None = None,
    sound: bool = False,
    **options: str,
) -> Path:
    """Writes RGB frames (H, W, 3), at `times_ms` if they are given; `options` are those of the container."""
    name, pix_fmt = codec
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(name, fps)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], pix_fmt
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("aac", 8000, layout="mono") if sound else None
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            _add_silence(container, audio)
    return path


def _add_silence(container: OutputContainer, audio: av.AudioStream) -> None:
    silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
    silence.sample_rate = 8000
    container.mux(audio.encode(silence))
    container.mux(audio.encode(None))


def cut(path: Path, fraction: float = 0.6) -> Path:
    """Cuts a file off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(fraction * len(data))])
    return path


def greys(count: int, height: int = 64, width: int = 96) -> list[Pixels]:
    """Frames that become lighter, the number of each times 4."""
    return [np.full((height, width, 3), 4 * number, np.uint8) for number in range(count)]


def noise(count: int, height: int = 64, width: int = 96) -> list[Pixels]:
    """Frames that do not compress."""
    return [*np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)]
