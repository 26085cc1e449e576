"""CamVid for Lightning: the lesson's split by a list of frames, its augmentations, and the names of the classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.datasets.camvid import ARCHIVE, CamVid, ClassSet
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.files import read_lines
from triptych.datasets.sample import Sample, Split
from triptych.draw.batch import mask_batch
from triptych.draw.masks import Classes
from triptych.transforms import Pipeline, camvid_pipeline


class CamVidDataModule(TriptychDataModule):
    """Data module for CamVid: street frames with a class for each pixel.

    Args:
        root: Folder with `codes.txt`, frames and masks.
        image_size: (height, width) in pixels; the lesson's half size by default.
        batch_size: Frames per batch, or "auto"; see `TriptychDataModule`.
        valid_list: File below `root` that names the validation frames; all others are training frames.
        test_list: File below `root` that names the test frames; if it does not exist, the validation frames are tested.
        classes: `"all"` for the folder's own classes, `"11"` for SegNet's 11 and void.
        image_dir: Folder of the frames, below `root`.
        label_dir: Folder of the masks, below `root`.
        label_name: Name of a frame's mask, from the frame's `{stem}` and `{suffix}`.
        min_area: Smallest fraction of a frame's area that a random training crop keeps, in (0, 1]; 1 takes the lesson's
            zoom of up to 1.1 instead of crops.
        loading: Further arguments of `TriptychDataModule`. `download` fetches 599 MB.

    Raises:
        ValueError: An argument is out of its range.

    Source: fast.ai 2019, lesson 3: `SegmentationItemList` ... `split_by_fname_file("../valid.txt")`.
    """

    archive = ARCHIVE
    target = "mask"

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int] = (360, 480),
        batch_size: int | Literal["auto"] = 8,
        *,
        valid_list: str = "valid.txt",
        test_list: str = "test.txt",
        classes: ClassSet = "all",
        image_dir: str = "images",
        label_dir: str = "labels",
        label_name: str = "{stem}_P{suffix}",
        min_area: float = 1.0,
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, **loading)
        if not 0 < min_area <= 1:
            raise ValueError(f"min_area: expected a fraction above 0 and up to 1, got {min_area}.")
        self.valid_list, self.test_list, self.min_area = valid_list, test_list, min_area
        self.layout: dict[str, Any] = {
            "classes": classes,
            "image_dir": image_dir,
            "label_dir": label_dir,
            "label_name": label_name,
            "scale": self.scale,
        }
        self._frames: CamVid | None = None

    @property
    def frames(self) -> CamVid:
        """All frames of the folder, from all splits."""
        if self._frames is None:
            raise RuntimeError("CamVidDataModule: call setup() first; the folder has not been read yet.")
        return self._frames

    @property
    def metadata(self) -> dict[str, Any]:
        """`num_classes`, `ignore_index` and `class_names`; empty until the folder is read."""
        if self._frames is None:
            return {}
        names = self._frames.class_names
        return {"num_classes": len(names), "ignore_index": self._frames.ignore_index, "class_names": names}

    def train_pipeline(self) -> Pipeline:
        """The lesson's augmentations; pixels that they uncover are void."""
        return camvid_pipeline(self.image_size, self.metadata["ignore_index"], self.min_area)

    def class_counts(self) -> list[int]:
        """Number of pixels of each class in the training masks on disk; 0 for void.

        Raises:
            BadSampleError: A mask cannot be decoded, or holds an id without a class.
        """
        frames = self.split("train")
        counts = np.zeros(len(frames.class_names), dtype=np.int64)
        for name in frames.names:
            ids = frames.read_mask(frames.label_path(name))
            counts += np.bincount(ids.ravel(), minlength=len(counts))
        if frames.ignore_index < len(counts):
            counts[frames.ignore_index] = 0
        return [int(count) for count in counts]

    def draw_batch(self, samples: Sequence[Sample], columns: int) -> Figure:
        names = self.frames.class_names
        return mask_batch(samples, Classes(names, class_colors(names), self.frames.ignore_index), columns)

    def find(self) -> None:
        self._frames = CamVid(self.root, **self.layout)

    def split(self, name: Split) -> CamVid:
        """Frames of the lists, or all others; each frame and mask is checked without decoding it."""
        valid = read_lines(self.root / self.valid_list)
        if name == "train":
            held_out = {*valid, *self._test_names()}
            names = [frame for frame in self.frames.names if frame not in held_out]
        elif name == "test":
            names = self._test_names() or valid
        else:
            names = valid
        if not names:
            raise ValueError(self._empty_message(name))
        frames = CamVid(self.root, names, **self.layout)
        frames.check()
        return frames

    def train_paths(self) -> list[Path]:
        frames = self.records["train"]
        assert isinstance(frames, CamVid)
        return [frames.image_dir / name for name in frames.names]

    def _test_names(self) -> list[str]:
        path = self.root / self.test_list
        return read_lines(path) if path.is_file() else []

    def _empty_message(self, name: str) -> str:
        if name == "train":
            names = f"and {self.test_list} name" if self._test_names() else "names"
            return (
                f"camvid: no frames are left to train on: {self.root / self.valid_list} {names} all "
                f"{len(self.frames)} of them; remove some from the list."
            )
        return f"camvid: {self.root / self.valid_list} names no frames; expected one file name per line."
