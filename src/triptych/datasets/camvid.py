"""CamVid: street frames and a class for every pixel, read from the course's layout.

Layout: `images/NAME.png`, `labels/NAME_P.png` (class ids; 255 is void), `codes.txt` (one class name per line, in the
order of the ids, from 0) and lists of frames such as `valid.txt`. A folder of your own in this layout works too; it may
have subfolders, `images/bonn/NAME.png` and `labels/bonn/NAME_P.png`.

Credit: Brostow, Fauqueur, Cipolla, "Semantic object classes in video: A high-definition ground truth database", 2009.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from triptych.datasets.camvid_classes import SEGNET_MERGE, SEGNET_NAMES, VOID
from triptych.datasets.codes import read_codes
from triptych.datasets.download import Archive
from triptych.datasets.files import list_files
from triptych.datasets.folders import expect_folder
from triptych.datasets.label_map import VOID_ID, is_void
from triptych.datasets.label_name import checked_label_name
from triptych.datasets.label_table import LabelTable
from triptych.datasets.mask_files import MaskFiles
from triptych.datasets.sample import Pixels, Record
from triptych.errors import BadSampleError, MissingDataError
from triptych.images import (
    Scale,
    check_images,
    checked_scale,
    image_header,
    pair_as_shown,
    read_rgb,
    refuse_changed_ids,
)

ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-imagelocal/camvid.tgz",
    size=598_913_237,
    md5_head="648371e4f3a833682afb39b08a3ce2aa",
)
"""The course's copy of the full set: 701 frames of 960x720 with 32 classes."""

ClassSet = Literal["all", "11"]
"""The folder's own classes, or SegNet's 11 and void."""


class CamVid:
    """The frames of one folder, each with its mask.

    Args:
        root: Folder with `codes.txt`, the frames and the masks.
        names: Names of the frames to take, POSIX paths below `image_dir`, in this order; None takes all, sorted.
        classes: `"all"` keeps the folder's own codes; `"11"` merges the 32 official ones into SegNet's 11 and void.
        image_dir: Folder of the frames, below `root`.
        label_dir: Folder of the masks, below `root`.
        label_name: Name of a frame's mask, from the frame's `{stem}` and `{suffix}`; `{stem:-_sat}` is the stem without
            the ending `_sat`.
        label_map: Class name of each id or colour in the masks, see `triptych.datasets.label_map`; None if each id is
            the line number of its class. It goes before `classes`.
        scale: How frames of more than 8 bits are read; see `read_rgb`.

    Raises:
        MissingDataError: The folder or `codes.txt` does not exist.
        BadSampleError: `codes.txt` is not a list of classes; see `read_codes`.
        ValueError: `classes` is unknown, or `"11"` and the codes are not the official ones; or `label_name`,
            `label_map` or `scale` cannot be understood.
    """

    def __init__(
        self,
        root: str | Path,
        names: Sequence[str] | None = None,
        *,
        classes: ClassSet = "all",
        image_dir: str = "images",
        label_dir: str = "labels",
        label_name: str = "{stem}_P{suffix}",
        label_map: Mapping[Any, Any] | None = None,
        scale: Scale | None = None,
    ) -> None:
        self.root, self.scale, self.label_name = Path(root), checked_scale(scale), checked_label_name(label_name)
        self.masks = MaskFiles(self.root, image_dir, label_dir, self.label_name)
        self.image_dir, self.label_dir = self.masks.image_dir, self.masks.label_dir
        self.codes = _read_codes(self.root)
        self.table = LabelTable(label_map, self.codes)
        self.class_names, self._merge = merge_codes(self.codes, classes)
        self.names = list(names) if names is not None else self.masks.frames()

    @property
    def ignore_index(self) -> int:
        """Id of the void class, found by its name; 255 if no class is void."""
        lower = [name.lower() for name in self.class_names]
        return lower.index(VOID.lower()) if VOID.lower() in lower else VOID_ID

    @property
    def paths(self) -> list[Path]:
        """Paths of the frames."""
        return [self.image_dir / name for name in self.names]

    @property
    def folder(self) -> Path:
        """The folder that the names of frames count from."""
        return self.image_dir

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Record:
        """Reads one frame.

        Returns:
            `image` uint8 (H, W, 3) RGB, `mask` uint8 (H, W) of class ids, `path` of the frame.

        Raises:
            BadSampleError: The frame or its mask cannot be decoded, their sizes differ, or the mask holds an id
                without a class.
        """
        return self.with_pixels(index, self.pixels(index))

    @property
    def reading(self) -> dict[str, Any]:
        """What the pixels depend on besides the files; see `PixelRecords`."""
        labels = (self.codes, self.table.label_map, self._merge.tolist())
        return {"labels": labels, "scale": self.scale}

    def files(self, index: int) -> tuple[Path, Path]:
        """The frame and its mask."""
        name = self.names[index]
        return self.image_dir / name, self.label_path(name)

    def pixels(self, index: int) -> Pixels:
        """Frame and mask; see `__getitem__`."""
        path, mask_path = self.files(index)
        image, mask = read_rgb(path, self.scale), self.read_mask(mask_path)
        if image.shape[:2] != mask.shape:
            oriented = pair_as_shown((path, image_header(path)), (mask_path, image_header(mask_path)))
            image, mask = read_rgb(path, self.scale, oriented), self.read_mask(mask_path, oriented)
        return image, mask

    def with_pixels(self, index: int, pixels: Pixels) -> Record:
        """The record of these pixels; see `__getitem__`."""
        image, mask = pixels
        return {"image": image, "mask": mask, "path": str(self.image_dir / self.names[index])}

    def take(self, names: Sequence[str]) -> "CamVid":
        """Some of the frames, in this order, without reading the folder again."""
        frames = copy.copy(self)
        frames.names = list(names)
        return frames

    def label_path(self, name: str) -> Path:
        """Where the mask of the frame `name` is expected."""
        return self.masks.path(name)

    def read_mask(self, path: Path, oriented: bool = True) -> npt.NDArray[np.uint8]:
        """Class ids (H, W) of one mask, mapped by `label_map`, then merged by `classes`; void is `ignore_index`.

        Args:
            path: The mask.
            oriented: See `read_ids`.

        Raises:
            BadSampleError: It cannot be decoded, its format changes ids, or it holds an id or colour without a class.
        """
        return self._merge.take(self.table.class_ids(self.table.read(path, oriented), path))

    def masks_in_order(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Class ids (H, W) of the mask of each frame; see `read_mask`."""
        return (self.read_mask(self.label_path(name)) for name in self.names)

    def class_name(self, value: int) -> str | None:
        """Name of the class of an id or packed colour in the masks; None for void."""
        class_id = self._merge[self.table.class_of(value)]
        return None if class_id == self.ignore_index else self.class_names[class_id]

    def check(self) -> None:
        """Checks each frame and mask without decoding it.

        Raises:
            MissingDataError: A frame or its mask does not exist.
            BadSampleError: A file is cut off or not of a kind that is read, a mask has another size than its frame, its
                format changes ids, or it holds colours that `label_map` does not name.
        """
        self._check_present()
        frames, colored = [self.image_dir / name for name in self.names], []
        headers = check_images(frames, self.scale)
        for name, frame, header in zip(self.names, frames, headers, strict=True):
            mask = self.label_path(name)
            mask_header = image_header(mask)
            refuse_changed_ids(mask, mask_header)
            pair_as_shown((frame, header), (mask, mask_header))
            if mask_header.bands > 1:
                colored.append(mask)
        if colored and not self.table.by_color:
            raise BadSampleError(self.table.colors_message(colored, others=len(self) - len(colored)))

    def _check_present(self) -> None:
        present = set(list_files(self.image_dir))
        frames = [name for name in self.names if name not in present and not (self.image_dir / name).is_file()]
        if frames:
            raise MissingDataError(
                f"camvid: {len(frames)} of {len(self)} frames do not exist; the first is {self.image_dir / frames[0]}."
            )
        if missing := self.masks.missing(self.names):
            raise MissingDataError(self.masks.missing_message(missing, self.names))


def _read_codes(root: Path) -> list[str]:
    """The class names of `root/codes.txt`; the index is the id."""
    expect_folder(root)
    if not root.is_dir():
        raise MissingDataError(
            f"{root}: no such folder; expected images/, labels/ and codes.txt in it "
            "(`triptych make-data camvid DIR` writes made-up streets, `download: true` fetches the real ones)."
        )
    codes = root / "codes.txt"
    inside = [] if codes.exists() else sorted(root.glob("*/codes.txt"))
    if inside:
        raise MissingDataError(f"{codes}: no such file, but there is {inside[0]}; set root to {inside[0].parent}.")
    return read_codes(codes)


def merge_codes(codes: Sequence[str], classes: ClassSet) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """Class names after merging, and a table (256,) uint8 from a class id in `codes` to the merged id; 255 is void."""
    if classes == "all":
        table = np.arange(256, dtype=np.uint8)
        table[VOID_ID] = next((i for i, code in enumerate(codes) if is_void(code)), VOID_ID)
        return list(codes), table
    if classes != "11":
        raise ValueError(f'classes: expected "all" or "11", got {classes!r}.')
    merged_id = {VOID: len(SEGNET_MERGE)}
    for position, (name, members) in enumerate(SEGNET_MERGE.items()):
        merged_id |= {name: position, **dict.fromkeys(members, position)}
    unknown = [code for code in codes if code not in merged_id]
    if unknown:
        raise ValueError(
            f'classes: "11" merges CamVid\'s official 32 classes, but codes.txt names {unknown[0]!r}; use "all".'
        )
    table = np.full(256, merged_id[VOID], dtype=np.uint8)
    table[: len(codes)] = [merged_id[code] for code in codes]
    return list(SEGNET_NAMES), table
