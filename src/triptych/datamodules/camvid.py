"""CamVid for Lightning: the lesson's split by a list of frames, its augmentations, and the names of the classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from lightning.pytorch.utilities import rank_zero_warn
from matplotlib.figure import Figure

from triptych.datamodules.split_module import SplitDataModule
from triptych.datasets.camvid import ARCHIVE, CamVid, ClassSet
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.corrections import parts_of
from triptych.datasets.files import none_found
from triptych.datasets.label_map import LabelMap
from triptych.datasets.label_name import checked_label_name
from triptych.datasets.mask_checks import check_masks
from triptych.datasets.names import SampleNames
from triptych.datasets.rare_classes import rare_classes
from triptych.datasets.sample import Records, Sample
from triptych.draw.batch import mask_batch
from triptych.draw.masks import Classes
from triptych.errors import BadSampleError, MissingDataError
from triptych.transforms import Pipeline, camvid_pipeline

_CHECKED = {"fit": ("val", "train"), "validate": ("val",), "test": ("test",), "predict": ("predict",)}
"""The records whose masks are checked, by stage."""


class CamVidDataModule(SplitDataModule):
    """Data module for CamVid: street frames with a class for each pixel.

    Args:
        root: Folder with `codes.txt`, frames and masks.
        image_size: (height, width) in pixels; the lesson's half size by default.
        batch_size: Frames per batch, or "auto"; see `TriptychDataModule`.
        valid_list: File below `root` that names the validation frames; all others are training frames. See
            `SplitDataModule` for other ways to split, which replace the default.
        test_list: File below `root` that names the test frames; if it does not exist, the validation frames are tested.
        classes: `"all"` for the folder's own classes, `"11"` for SegNet's 11 and void.
        image_dir: Folder of the frames, below `root`.
        label_dir: Folder of the masks, below `root`.
        label_name: Name of a frame's mask, from the frame's `{stem}` and `{suffix}`; `{stem:-_sat}` is the stem without
            the ending `_sat`, as in `{stem:-_leftImg8bit}_gtFine_labelIds.png`.
        label_map: Class names by the ids or colours in the masks, where an id is not the line number of its class in
            `codes.txt`: `{0: background, 255: lesion}`, `{"#804080": Road, "0,0,0": Void}`; `Void` or null is void. In
            ids 255 is void unless it is named. It goes before `classes`, and what `predict` writes are ids as trained,
            the line numbers, whatever the files held.
        min_area: Smallest fraction of a frame's area that a random training crop keeps, in (0, 1]; 1 takes the lesson's
            zoom of up to 1.1 instead of crops.
        crops: Number of random crops of which the one with the most pixels of rare classes is trained on; see
            `triptych.datasets.rare_classes`. With 1 they are not looked at.
        loading: Further arguments of `SplitDataModule`. `download` fetches 599 MB.

    Raises:
        ValueError: An argument is out of its range.

    Source: fast.ai 2019, lesson 3: `SegmentationItemList` ... `split_by_fname_file("../valid.txt")`.
    """

    archive = ARCHIVE
    target = "mask"
    data_set, noun = "camvid", "frame"
    lesson: ClassVar = {"valid_list": "valid.txt", "test_list": "test.txt"}
    corrections_layout = ("codes.txt", "images", "labels")

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
        label_map: LabelMap | None = None,
        min_area: float = 1.0,
        crops: int = 1,
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, valid_list=valid_list, test_list=test_list, **loading)
        if not 0 < min_area <= 1:
            raise ValueError(f"min_area: expected a fraction above 0 and up to 1, got {min_area}.")
        if isinstance(crops, bool) or not isinstance(crops, int) or crops < 1:
            raise ValueError(f"crops: expected a whole number, at least 1, got {crops!r}.")
        self.min_area, self.crops = min_area, crops
        self.layout: dict[str, Any] = {
            "classes": classes,
            "image_dir": image_dir,
            "label_dir": label_dir,
            "label_name": checked_label_name(label_name),
            "label_map": label_map,
            "scale": self.scale,
        }
        self._frames: CamVid | None = None
        self._counted: tuple[Records, list[int]] | None = None
        _ = self.way  # refuses two
        self._checked: dict[str, list[str]] = {}

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
        rare = rare_classes(self.class_counts()) if self.crops > 1 else []
        return camvid_pipeline(self.image_size, self.metadata["ignore_index"], self.min_area, self.crops, rare)

    def class_counts(self) -> list[int]:
        """Number of pixels of each class in the training masks on disk, which are read once; 0 for void.

        Raises:
            BadSampleError: A mask cannot be decoded, or holds an id without a class.
        """
        train = self.records["train"] if "train" in self.records else self.split("train")
        if self._counted is None or self._counted[0] is not train:
            self._counted = (train, self._count(train))
        return [*self._counted[1]]

    def _count(self, train: Records) -> list[int]:
        counts = np.zeros(256, dtype=np.int64)
        for frames in parts_of(train):
            assert isinstance(frames, CamVid)
            for mask in frames.masks_in_order():
                counts += np.bincount(mask.ravel(), minlength=256)
        counts[self.frames.ignore_index] = 0
        return [int(count) for count in counts[: len(self.frames.class_names)]]

    def draw_batch(self, samples: Sequence[Sample], columns: int) -> Figure:
        names = self.frames.class_names
        return mask_batch(samples, Classes(names, class_colors(names), self.frames.ignore_index), columns)

    def find(self) -> None:
        self._frames = CamVid(self.root, **self.layout)
        if not self._frames.names:
            raise MissingDataError(
                f"{self._frames.image_dir}: expected images in it, {none_found(self._frames.image_dir)}."
            )
        self._names = SampleNames(self._frames.names, self._frames.image_dir, self.root, noun=self.noun)

    @property
    def sources(self) -> list[Path]:
        folders = (self.layout["image_dir"], self.layout["label_dir"])
        return [*super().sources, *(self.root / name for name in ("codes.txt", *folders))]

    def take(self, names: Sequence[str]) -> CamVid:
        """Frames by their names; each frame and mask is checked without decoding it."""
        frames = self.frames.take(names)
        frames.check()
        return frames

    def read_corrections(self, folder: Path) -> CamVid:
        """Frames with masks `labels/NAME_P.png` of ids as trained, the line numbers of the same `codes.txt`."""
        frames = CamVid(folder, label_name="{stem}_P.png", scale=self.scale)
        if frames.class_names != self.frames.class_names:
            raise BadSampleError(
                f"{folder / 'codes.txt'}: expected the classes of the data in their order, since a mask holds their "
                f"numbers, {', '.join(self.frames.class_names)}, got {', '.join(frames.class_names)}."
            )
        frames.check()
        for _ in frames.masks_in_order():
            pass  # an id without a class is refused
        return frames

    def _find_records(self, stage: str) -> None:
        """As in `TriptychDataModule`; and a sample of the masks is decoded, so that what is wrong is told now."""
        super()._find_records(stage)
        of_stage = {name: parts_of(self.records[name])[0] for name in _CHECKED[stage]}
        splits = {name: frames for name, frames in of_stage.items() if isinstance(frames, CamVid)}
        names = {name: frames.names for name, frames in splits.items()}
        if splits and names != self._checked:  # another stage of a recipe takes the same ones
            for doubt in check_masks(splits, self.seed):
                rank_zero_warn(doubt)
            self._checked = names
