"""What is predicted for a video is what is predicted for its frames as images, and is kept whatever ends it."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import lightning as L
import numpy as np
import pytest
import torch
from command_line import QUIET, Run, fails, finished_fit, table
from PIL import Image
from small_fit import TINY
from video_files import LOSSLESS, Pixels, cut, noise, write_video

from triptych import (
    BIWIDataModule,
    CamVidDataModule,
    MultiLabelClassifier,
    PlanetDataModule,
    PointRegressor,
    UNetSegmenter,
)
from triptych.callbacks import MaskWriter, PointWriter, PredictionWriter, TagWriter
from triptych.datasets import camera
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.video import Video
from triptych.draw.overlay import blended
from triptych.images import read_rgb

pytestmark = [
    QUIET,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.*"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, drawn_streets: Path) -> Run:
    return finished_fit("camvid", drawn_streets, tmp_path_factory.mktemp("runs"), "--trainer.max_epochs", "1")


@pytest.fixture
def streets(drawn_streets: Path) -> list[Pixels]:
    return [read_rgb(path) for path in sorted((drawn_streets / "images").iterdir())]


@pytest.fixture
def images(streets: list[Pixels], tmp_path: Path) -> Path:
    """The frames as images, numbered without zeros."""
    (tmp_path / "frames").mkdir()
    for number, pixels in enumerate(streets):
        Image.fromarray(pixels).save(tmp_path / "frames" / f"{number}.png")
    return tmp_path / "frames"


def predict(model: L.LightningModule, data: L.LightningDataModule, writer: PredictionWriter, **settings: Any) -> None:
    trainer = L.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, callbacks=[writer], devices=1, **settings
    )
    trainer.predict(model, data, return_predictions=False)


def segment(path: Path, writer: MaskWriter, fps: float | None = None, **settings: Any) -> None:
    """Predicts masks with a model that was not trained."""
    L.seed_everything(0, verbose=False)
    data = CamVidDataModule("absent", image_size=(64, 96), batch_size=4, predict_path=str(path), fps=fps)
    predict(UNetSegmenter(num_classes=5, **TINY), data, writer, **settings)


def masks(folder: Path) -> list[Pixels]:
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: int(path.stem)):
        with Image.open(path) as mask:
            found.append(np.array(mask))
    return found


def test_masks_of_a_video_are_those_of_its_frames_as_images(
    run: Run, streets: list[Pixels], images: Path, tmp_path: Path
) -> None:
    video, out = write_video(tmp_path / "drive.mkv", streets, codec=LOSSLESS), tmp_path / "out"
    printed = run.predict(video, out)
    assert f"video: {out}/overlays/drive.webm\nmasks: {out}/masks/drive\n" in printed
    run.predict(images, tmp_path / "of images")
    expected, found = masks(tmp_path / "of images" / "masks"), masks(out / "masks" / "drive")
    np.testing.assert_array_equal(found, expected)

    written = Video(out / "overlays" / "drive.webm")
    overlays = [frame.pixels for frame in written]
    assert (written.fps, written.count, len(overlays), overlays[0].shape) == (10, 12, 12, (64, 96, 3))
    names = torch.load(run.best, weights_only=True)["hyper_parameters"]["class_names"]
    for overlay, frame, ids in zip(overlays, streets, expected, strict=True):
        assert cv2.PSNR(overlay, blended(frame, ids, class_colors(names))) > 25
    assert (out / "overlays" / "drive-legend.png").is_file()


def test_a_folder_of_numbered_frames_is_a_video_if_its_rate_is_given(images: Path, tmp_path: Path) -> None:
    segment(images, MaskWriter(str(tmp_path / "out")), fps=12.5)
    video = Video(tmp_path / "out" / "overlays" / "frames.webm")
    assert (video.fps, len([*video])) == (12.5, 12)
    with pytest.raises(ValueError, match=r"fps: expected a rate above 0, for a folder of .*, got 5 for .*0\.png\."):
        segment(images / "0.png", MaskWriter(), fps=5)


def test_a_video_that_was_cut_off_ends_in_one_line_and_keeps_what_was_done(run: Run, tmp_path: Path) -> None:
    path, out = cut(write_video(tmp_path / "x.mp4", noise(30), movflags="faststart")), tmp_path / "out"
    arguments = ["--data.predict_path", str(path), "--predictions.output_dir", str(out)]
    fails(
        ["predict", *run.args, "--ckpt_path", str(run.best), *arguments],
        rf"{path}: \d+ of 30 frames were done, and their predictions are kept; there the file ends, as .* damaged\.",
    )
    done = len([*Video(out / "overlays" / "x.webm")])
    assert 10 < done < 25
    assert len([*(out / "masks" / "x").iterdir()]) == done
    assert not [*out.rglob("*.part*")]


def test_smoothing_takes_from_the_flicker_and_says_how_much(
    streets: list[Pixels], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    generator = np.random.default_rng(0)
    noisy = [np.clip(streets[0] + generator.normal(0, 2, streets[0].shape), 0, 255).astype(np.uint8) for _ in range(12)]
    video = write_video(tmp_path / "x.mkv", noisy, codec=LOSSLESS, sound=True)
    with caplog.at_level("INFO", "lightning.pytorch.utilities.rank_zero"):
        segment(video, MaskWriter(str(tmp_path / "out"), smooth=0.7))
    found = re.search(r"flicker: ([\d.]+)% of the still pixels .*, ([\d.]+)% without smooth\.", caplog.text)
    assert found is not None
    assert 0 < float(found[1]) < 0.7 * float(found[2])
    assert f"{video}: its sound is dropped." in caplog.text


def test_smoothed_masks_are_those_of_the_averaged_probabilities(tmp_path: Path) -> None:
    from triptych.tasks.file_masks import FileMasks

    writer = MaskWriter(str(tmp_path), smooth=0.75)
    writer._flicker = writer._flicker_before = SimpleNamespace(update=lambda *_: None)  # type: ignore[assignment]
    logits = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    batch: Any = {"image": torch.zeros(3, 3, 5, 6, dtype=torch.uint8)}
    found = writer.averaged(batch, FileMasks(logits, [(5, 6)] * 3))
    average = logits[0].softmax(0)
    for ids, new in zip(found, logits, strict=True):
        average = 0.75 * average + 0.25 * new.softmax(0)
        assert torch.equal(ids.long(), average.argmax(0))


def test_points_of_a_video_have_times_and_are_drawn(tmp_path: Path) -> None:
    video = write_video(tmp_path / "x.mkv", noise(6), codec=LOSSLESS)
    data = BIWIDataModule("absent", image_size=(32, 48), predict_path=str(video))
    model, writer = PointRegressor(num_points=1, **TINY), PointWriter(str(tmp_path / "out"))
    predict(model, data, writer)
    rows = table(tmp_path / "out" / "points.csv")
    assert [(row["frame"], row["time_s"]) for row in rows] == [(str(n), f"{n / 10:.3f}") for n in range(6)]
    for row, frame in zip(rows, Video(video), strict=True):
        resized = cv2.resize(frame.pixels, (48, 32), interpolation=cv2.INTER_AREA)
        y, x = ((model.predict(resized)[0] / (32, 48)) * (64, 96)).tolist()
        assert (float(row["y_px"]), float(row["x_px"])) == pytest.approx((y, x), abs=0.02)
    assert [frame.pixels.shape for frame in Video(tmp_path / "out" / "pictures" / "x.webm")] == [(64, 96, 3)] * 6


def test_tags_of_a_video_have_times_and_are_written_on_it(tmp_path: Path) -> None:
    video = write_video(tmp_path / "x.avi", [np.zeros((64, 96, 3), np.uint8)] * 3)
    data = PlanetDataModule("absent", image_size=(32, 32), predict_path=str(video))
    model = MultiLabelClassifier(2, ["clear", "haze"], threshold=0.01, **TINY)
    predict(model, data, TagWriter(str(tmp_path / "out")))
    tags, probabilities = table(tmp_path / "out" / "tags.csv"), table(tmp_path / "out" / "probabilities.csv")
    assert tags == [{"frame": str(n), "time_s": f"{n / 10:.3f}", "tags": "clear haze"} for n in range(3)]
    assert [*probabilities[0]] == ["frame", "time_s", "clear", "haze"]
    (first, *_) = Video(tmp_path / "out" / "pictures" / "x.webm")
    assert first.pixels.max() > 150


class Held(PointWriter):
    """Counts the frames that are in memory while it writes."""

    def write_on_batch_end(self, *arguments: Any) -> None:
        import gc

        super().write_on_batch_end(*arguments)
        frames = [one for one in gc.get_objects() if isinstance(one, np.ndarray) and one.shape == (65, 97, 3)]
        self.most = max(getattr(self, "most", 0), len(frames))


@pytest.mark.parametrize("count", [20, 60])
def test_no_more_frames_are_in_memory_for_a_longer_video(count: int, tmp_path: Path) -> None:
    video = write_video(tmp_path / "x.avi", noise(1, 65, 97) * count, codec=LOSSLESS)
    writer = Held(str(tmp_path / "out"))
    predict(PointRegressor(num_points=1, **TINY), BIWIDataModule("absent", (32, 48), predict_path=str(video)), writer)
    assert writer.most < 20


class Still:
    """A camera of OpenCV that shows grey, with what is needed of its interface."""

    def __init__(self, index: int) -> None:
        self.index = index

    def isOpened(self) -> bool:  # noqa: N802
        return self.index == 0

    def get(self, _: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, Pixels]:
        return True, np.full((64, 96, 3), 100, np.uint8)

    def release(self) -> None: ...


def test_a_camera_is_predicted_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera.cv2, "VideoCapture", Still)
    segment(Path("0"), MaskWriter(str(tmp_path / "out")), limit_predict_batches=5)
    assert len([*Video(tmp_path / "out" / "overlays" / "camera-0.webm")]) == 5
    with pytest.raises(FileNotFoundError, match="predict_path: expected camera 3, got none that can be opened; "):
        segment(Path("3"), MaskWriter())


def test_a_stop_keeps_the_frames_that_were_predicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import signal

    monkeypatch.setattr(camera.cv2, "VideoCapture", Still)

    class CtrlC(L.Callback):
        def on_predict_batch_end(self, trainer: L.Trainer, *more: Any) -> None:
            if trainer.predict_loop.batch_progress.current.processed == 4:
                signal.raise_signal(signal.SIGINT)

    writer = PointWriter(str(tmp_path / "out"))
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, callbacks=[CtrlC(), writer])
    with pytest.raises(SystemExit) as stopped:
        trainer.predict(PointRegressor(num_points=1, **TINY), BIWIDataModule("absent", (32, 48), predict_path="0"))
    assert stopped.value.code == 130
    kept = tmp_path / "out" / "pictures" / "camera-0.webm"
    assert f"stopped by SIGINT; what was predicted is kept in {kept}." in capsys.readouterr().err
    assert (
        len(table(tmp_path / "out" / "points.csv"))
        == len([*Video(tmp_path / "out" / "pictures" / "camera-0.webm")])
        == 4
    )


def test_what_cannot_be_done_for_a_video_is_said(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"smooth: expected a video to smooth, got images and 0\.5; leave it out\."):
        segment(images, MaskWriter(str(out), smooth=0.5))
    video = write_video(out / "overlays" / "x.mp4", noise(3))
    with pytest.raises(ValueError, match=r"output_dir: expected a folder outside of .* 1 of them .*x\.mp4"):
        segment(video, MaskWriter(str(out)))
    with pytest.raises(ValueError, match=r"smooth: expected a number from 0 up to, but without, 1, got 1\."):
        MaskWriter(smooth=1)
    with pytest.raises(FileNotFoundError, match=r"x\.mp4: no such file; expected a video\."):
        segment(tmp_path / "x.mp4", MaskWriter(str(out)))
