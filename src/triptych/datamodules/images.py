"""A data module of images: their size, their transforms, and what is predicted for files and videos."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from torch.utils.data import DataLoader

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.checks import checked_size
from triptych.datamodules.decoded import OFF, Cache, DecodedRecords
from triptych.datamodules.frames import FrameSamples, frame_loader, frames_at
from triptych.datamodules.samples import SampleDataset, collate, collate_one
from triptych.datasets.pictures import Pictures
from triptych.datasets.sample import Split
from triptych.datasets.tile import checked_tile
from triptych.images import checked_scale
from triptych.runs.plain_values import plain
from triptych.transforms import Pipeline, evaluation_pipeline, whole_pipeline


class ImageDataModule(TriptychDataModule):
    """Data module of images.

    Args:
        root: Folder of the data set.
        image_size: (height, width) in pixels of the samples.
        batch_size: See `TriptychDataModule`.
        augment: Whether training samples are augmented.
        valid_size: (height, width) in pixels of the samples for validation, test and prediction; None takes
            `image_size`.
        predict_path: Folder of images, with its subfolders, list of their paths (`.txt`), one image, a video or the
            number of a camera to predict; None takes the validation samples.
        fps: Frames per second of a folder of numbered frames, which is then predicted as a video; None predicts its
            images one by one.
        tile: Longest side in pixels of the overlapping tiles in which images are predicted at their own size, which may
            be too large for the network; at least 64. None resizes an image for the network, and its mask back.
        scale: How images of more than 8 bits are read, for training and prediction: the value that becomes 255, such as
            4095 for 12 bits or 1.0 for reflectances; or the two that become 0 and 255. None scales each image by the
            bits that its values need, with a warning, and refuses floats. 8-bit images are read as they are.
        cache: Where the images and masks of training and validation are kept decoded, so that each epoch need not
            decode them again: `"ram"` in memory that all processes of the machine share, until the last of them ends;
            `"disk"` in `~/.cache/triptych` (or `$XDG_CACHE_HOME/triptych`, or `$TRIPTYCH_CACHE`), for later runs too,
            until `triptych clean-cache`; `"off"` nowhere. The pixels of the samples are the same. An image without a
            mask that is more than twice as high or wide as `image_size` is kept as small as that size needs, once for
            each size; its points may differ by rounding. A file that changes is decoded afresh. If there is not enough
            room, a line says so, and nothing is kept.
        loading: Further arguments of `TriptychDataModule`.

    Raises:
        ValueError: An argument is out of its range.
    """

    CHANGEABLE: ClassVar = frozenset({"image_size", "batch_size", "augment"})
    collate = staticmethod(collate)

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int],
        batch_size: int | Literal["auto"],
        *,
        augment: bool = True,
        valid_size: tuple[int, int] | None = None,
        predict_path: str | None = None,
        fps: float | None = None,
        tile: int | None = None,
        scale: float | list[float] | None = None,
        cache: Cache = "off",
        **loading: Any,
    ) -> None:
        super().__init__(root, batch_size, predict_path=predict_path, **loading)
        self.fps = fps
        self._frame_samples: FrameSamples | None = None
        self.tile = None if tile is None else checked_tile(tile, self.target)
        self.image_size = checked_size("image_size", image_size)
        self.valid_size = None if valid_size is None else checked_size("valid_size", valid_size)
        self.augment = augment
        self.scale = checked_scale(plain(scale))
        self.cache = cache or OFF
        self._decoded = DecodedRecords(self.cache)

    def find_to_predict(self, path: str) -> None:
        frames = frames_at(path, self.fps, self.scale)
        self._frame_samples = None if frames is None else FrameSamples(frames, self._predict_pipeline(), self.tile)
        if self._frame_samples is None:
            self.records["predict"] = self.pictures(Path(path))

    def pictures(self, path: Path) -> Pictures:
        """The images to predict at a path; see `Pictures`."""
        return Pictures(path, self.scale)

    def teardown(self, stage: str) -> None:
        """Raises what has ended a video before its end, once the frames before it are predicted.

        Raises:
            BadSampleError: The file was cut off or is damaged.
        """
        super().teardown(stage)
        if stage == "predict" and self._frame_samples is not None and self._frame_samples.fault is not None:
            raise self._frame_samples.fault

    def keep_records(self, stage: str) -> None:
        if stage == "fit" and self.cache != OFF:
            pipelines = {"train": self._train_pipeline(), "val": self._valid_pipeline()}
            splits = [(self.records[name], pipeline) for name, pipeline in pipelines.items()]
            self._decoded.keep(splits, threads=max(1, self.num_workers))

    def train_pipeline(self) -> Pipeline:
        """Augmentations of the training samples."""
        raise NotImplementedError

    def train_samples(self) -> SampleDataset:
        pipeline = self._train_pipeline()
        return SampleDataset(self._decoded.of(self.records["train"], pipeline), pipeline, self.seed)

    def eval_samples(self, split: Split | Literal["predict"]) -> SampleDataset:
        records = self.records.get(split)
        if records is None:
            assert split != "predict"
            records = self.split(split)
        pipeline = self._valid_pipeline()
        return SampleDataset(self._decoded.of(records, pipeline), pipeline, self.seed)

    def predict_dataloader(self) -> DataLoader[Any]:
        if self._frame_samples is not None:
            return frame_loader(self._frame_samples)
        self._expect("predict")
        if self.tile is None:
            return self.loader(self.eval_samples("predict"))
        # a whole image is not sent from another process, which would copy it
        samples = SampleDataset(self.records["predict"], self._predict_pipeline(), self.seed, self.tile)
        return self.loader(samples, batch_size=1, num_workers=0, collate_fn=collate_one)

    def _train_pipeline(self) -> Pipeline:
        return self.train_pipeline() if self.augment else evaluation_pipeline(self.image_size)

    def _valid_pipeline(self) -> Pipeline:
        return evaluation_pipeline(self.valid_size or self.image_size)

    def _predict_pipeline(self) -> Pipeline:
        return self._valid_pipeline() if self.tile is None else whole_pipeline()
