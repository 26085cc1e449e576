"""A video that is written has the size, count, rate and times of what came, whatever ends it."""

from pathlib import Path

import numpy as np
import pytest
from video_files import Pixels, greys

from triptych.callbacks.video_writer import VideoWriter
from triptych.datasets.video import Video


def write(path: Path, frames: list[Pixels], times: list[float], fps: float = 25) -> Path:
    writer = VideoWriter(path, fps)
    for frame, time in zip(frames, times, strict=True):
        writer.write(lambda pixels=frame: pixels, time)  # type: ignore[misc]
    writer.close()
    return path


@pytest.mark.parametrize(("height", "width"), [(64, 96), (63, 95), (33, 17)])
@pytest.mark.parametrize("fps", [25, 30000 / 1001])
def test_size_rate_and_count_are_those_of_the_frames(tmp_path: Path, height: int, width: int, fps: float) -> None:
    frames, times = greys(20, height, width), [number / fps for number in range(20)]
    video = Video(write(tmp_path / "x.webm", frames, times, fps))
    read = [*video]
    assert (len(read), video.count) == (20, 20)
    assert video.fps == pytest.approx(fps, abs=0.01)
    assert {frame.pixels.shape for frame in read} == {(height, width, 3)}
    np.testing.assert_allclose([frame.time_s for frame in read], times, atol=1e-3)
    np.testing.assert_allclose([frame.pixels.mean() for frame in read], [frame.mean() for frame in frames], atol=4)


def test_colours_stay(tmp_path: Path) -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:32, :32], frame[:32, 32:], frame[32:, :32] = (200, 30, 30), (30, 200, 30), (30, 30, 200)
    (read, *_) = Video(write(tmp_path / "x.webm", [frame] * 3, [0, 0.04, 0.08]))
    for y, x in ((16, 16), (16, 48), (48, 16), (48, 48)):
        np.testing.assert_allclose(read.pixels[y, x].astype(int), frame[y, x], atol=8)


def test_times_that_vary_are_kept_and_equal_ones_follow_each_other(tmp_path: Path) -> None:
    video = Video(write(tmp_path / "x.webm", greys(5), [0, 0.1, 0.1, 0.5, 0.52]))
    np.testing.assert_allclose([frame.time_s for frame in video], [0, 0.1, 0.101, 0.5, 0.52], atol=1e-6)


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    VideoWriter(tmp_path / "x.webm", 25).close()
    assert not [*tmp_path.iterdir()]


def test_a_frame_that_cannot_be_drawn_ends_it_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    def full_disk() -> Pixels:
        raise OSError(28, "No space left on device")

    writer = VideoWriter(tmp_path / "x.webm", 25)
    writer.write(lambda: greys(1)[0], 0)
    writer.write(full_disk, 0.04)
    with pytest.raises(OSError, match="No space left"):
        writer.close()
    assert not [*tmp_path.iterdir()]
