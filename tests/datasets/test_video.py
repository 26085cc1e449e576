"""Frames come in order, as they are shown, with their times; a file that breaks off says after how many."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from video_files import LOSSLESS, cut, greys, noise, write_video

from triptych.datasets.frames import NumberedFrames
from triptych.datasets.video import Video
from triptych.errors import BadSampleError, MissingDataError


@pytest.mark.parametrize("suffix", ["mp4", "mov", "avi", "mkv", "webm"])
def test_each_container_gives_all_frames_with_their_times(tmp_path: Path, suffix: str) -> None:
    codec = ("libvpx-vp9", "yuv420p") if suffix == "webm" else ("mpeg4", "yuv420p")
    video = Video(write_video(tmp_path / f"x.{suffix}", greys(12), codec=codec))
    frames = [*video]
    assert (video.name, video.fps, video.count, video.has_sound) == ("x", 10, 12, False)
    assert [frame.number for frame in frames] == [*range(12)]
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(12) / 10, atol=1e-3)
    for frame in frames:
        assert frame.pixels.shape == (64, 96, 3)
        np.testing.assert_allclose(frame.pixels.mean(), 4 * frame.number, atol=3)


def test_pixels_are_rgb_and_exact_if_the_codec_is(tmp_path: Path) -> None:
    frames = noise(3, 17, 31)
    video = Video(write_video(tmp_path / "x.mkv", frames, codec=LOSSLESS))
    for frame, expected in zip(video, frames, strict=True):
        np.testing.assert_array_equal(frame.pixels, expected)


def test_times_of_a_varying_rate_and_sound_are_known(tmp_path: Path) -> None:
    times = [0, 40, 400, 440, 1000]
    path = write_video(tmp_path / "x.mp4", greys(5), times_ms=times, sound=True)
    video = Video(path)
    assert video.has_sound
    np.testing.assert_allclose([1000 * frame.time_s for frame in video], times, atol=1)
    webm = Video(write_video(tmp_path / "x.webm", greys(5), 25, ("libvpx-vp9", "yuv420p"), times_ms=times))
    assert len([*webm]) == 5  # although 25 frames a second would be more


@pytest.mark.parametrize(("a", "b"), [(0, 1), (-1, 0), (0, -1)])
def test_a_video_of_a_phone_is_turned_as_opencv_turns_it(tmp_path: Path, a: int, b: int) -> None:
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[:32, :48] = 255
    path = write_video(tmp_path / "x.mp4", [frame] * 2)
    data, plain = path.read_bytes(), struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    at = data.index(plain, data.index(b"tkhd"))
    turned = struct.pack(">9i", a << 16, b << 16, 0, -b << 16, a << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:at] + turned + data[at + len(plain) :])
    is_read, expected = cv2.VideoCapture(str(path)).read()
    assert is_read
    (first, _) = Video(path)
    assert first.pixels.shape == expected.shape
    np.testing.assert_allclose(first.pixels, expected[..., ::-1], atol=4)


@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv"])
def test_a_file_that_was_cut_off_says_how_many_frames_it_gave(tmp_path: Path, suffix: str) -> None:
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    video, done = Video(cut(write_video(tmp_path / f"x.{suffix}", noise(30), **options))), 0
    with pytest.raises(BadSampleError) as caught:
        for _ in video:
            done += 1
    assert 10 < done < 25
    assert str(caught.value).startswith(f"{tmp_path}/x.{suffix}: {done} of 30 frames were done, and their")


def test_a_file_that_is_no_video_says_so_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"x\.mp4: no such file; expected a video\."):
        Video(tmp_path / "x.mp4")
    (tmp_path / "y.webm").write_bytes(greys(1)[0].tobytes())
    cut(write_video(tmp_path / "z.mp4", noise(9)))
    for name in ("y.webm", "z.mp4"):
        with pytest.raises(BadSampleError, match=rf"{name}: expected a video, .* FFmpeg cannot open .*\(Inv"):
            Video(tmp_path / name)


@pytest.mark.parametrize("text", ["#EXTM3U\n#EXTINF:1,\nother.avi\n", "ffconcat version 1.0\nfile other.avi\n"])
def test_a_playlist_opens_no_other_file(tmp_path: Path, text: str) -> None:
    write_video(tmp_path / "other.avi", greys(3))
    (tmp_path / "x.mp4").write_text(text)
    with pytest.raises(BadSampleError, match="FFmpeg cannot open"):
        Video(tmp_path / "x.mp4")


def test_numbered_frames_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10, 11):
        Image.new("RGB", (8, 6), (number,) * 3).save(tmp_path / f"frame {number}.png")
    frames = NumberedFrames(tmp_path, fps=4)
    assert (frames.count, frames.fps, frames.name) == (4, 4, tmp_path.name)
    read = [(frame.number, frame.time_s, int(frame.pixels[0, 0, 0])) for frame in frames]
    assert read == [(0, 0.0, 1), (1, 0.25, 2), (2, 0.5, 10), (3, 0.75, 11)]
    Image.new("RGB", (9, 6)).save(tmp_path / "frame 12.png")
    with pytest.raises(BadSampleError, match=r"frame 12\.png: expected 8x6 pixels as in .*frame 1\.png.*, got 9x6\."):
        [*NumberedFrames(tmp_path, fps=4)]
