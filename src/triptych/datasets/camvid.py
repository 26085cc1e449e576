"""CamVid: street frames and a class for every pixel, read from the course's layout.

Layout: `images/NAME.png`, `labels/NAME_P.png` (8-bit class ids), `codes.txt` (one class name per line, in the order of
the ids, from 0) and lists of frames such as `valid.txt`. A folder of your own in this layout works too.

Credit: Brostow, Fauqueur, Cipolla, "Semantic object classes in video: A high-definition ground truth database", 2009.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from triptych.datasets.camvid_classes import SEGNET_MERGE, SEGNET_NAMES, VOID
from triptych.datasets.download import Archive
from triptych.datasets.files import list_images, read_lines
from triptych.datasets.folders import expect_folder
from triptych.datasets.images import (
    Scale,
    check_images,
    checked_scale,
    image_header,
    pair_as_shown,
    read_ids,
    read_rgb,
)
from triptych.datasets.sample import Record
from triptych.errors import BadSampleError, MissingDataError

ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-imagelocal/camvid.tgz",
    size=598_913_237,
    md5_head="648371e4f3a833682afb39b08a3ce2aa",
)
"""The course's copy of the full set: 701 frames of 960x720 with 32 classes."""

ClassSet = Literal["all", "11"]
"""The folder's own classes, or SegNet's 11 and void."""

_UNLABELLED = 255
"""Id of void pixels if a folder's own codes name no void class."""


class CamVid:
    """The frames of one folder, each with its mask.

    Args:
        root: Folder with `codes.txt`, the frames and the masks.
        names: File names of the frames to take, in this order; None takes all, sorted.
        classes: `"all"` keeps the folder's own codes; `"11"` merges the 32 official ones into SegNet's 11 and void.
        image_dir: Folder of the frames, below `root`.
        label_dir: Folder of the masks, below `root`.
        label_name: Name of a frame's mask, from the frame's `{stem}` and `{suffix}`.
        scale: How frames of more than 8 bits are read; see `read_rgb`.

    Raises:
        MissingDataError: The folder or `codes.txt` does not exist.
        ValueError: `classes` is unknown, or `"11"` and the codes are not the official ones; or `scale` is none.
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
        scale: Scale | None = None,
    ) -> None:
        self.root, self.scale = Path(root), checked_scale(scale)
        self.image_dir, self.label_dir, self.label_name = self.root / image_dir, self.root / label_dir, label_name
        self.codes = _read_codes(self.root)
        self.class_names, self._merge = merge_codes(self.codes, classes)
        self.names = list(names) if names is not None else list_images(self.image_dir)

    @property
    def ignore_index(self) -> int:
        """Id of the void class, found by its name; 255 if no class is void."""
        lower = [name.lower() for name in self.class_names]
        return lower.index(VOID.lower()) if VOID.lower() in lower else _UNLABELLED

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
        path, mask_path = self.image_dir / self.names[index], self.label_path(self.names[index])
        image, mask = read_rgb(path, self.scale), self.read_mask(mask_path)
        if image.shape[:2] != mask.shape:
            oriented = pair_as_shown((path, image_header(path)), (mask_path, image_header(mask_path)))
            image, mask = read_rgb(path, self.scale, oriented), self.read_mask(mask_path, oriented)
        return {"image": image, "mask": mask, "path": str(path)}

    def label_path(self, name: str) -> Path:
        """Where the mask of the frame `name` is expected."""
        frame = Path(name)
        return self.label_dir / self.label_name.format(stem=frame.stem, suffix=frame.suffix)

    def read_mask(self, path: Path, oriented: bool = True) -> npt.NDArray[np.uint8]:
        """Class ids (H, W) of one mask, merged according to `classes`; as shown if `oriented`, else as stored."""
        ids = read_ids(path, oriented)
        if ids.max() >= len(self.codes):
            raise BadSampleError(
                f"{path}: expected class ids 0 to {len(self.codes) - 1} (codes.txt names {len(self.codes)} classes), "
                f"got id {ids.max()}; correct the mask or add the class to codes.txt."
            )
        return self._merge[ids]

    def check(self) -> None:
        """Checks each frame and mask without decoding it.

        Raises:
            MissingDataError: A frame or its mask does not exist.
            BadSampleError: A file is cut off or not of a kind that is read, a mask is not 8-bit class ids, or its size
                differs from its frame's.
        """
        self._check_present()
        frames = [self.image_dir / name for name in self.names]
        headers = check_images(frames, self.scale)
        for name, frame, header in zip(self.names, frames, headers, strict=True):
            mask = self.label_path(name)
            mask_header = image_header(mask)
            if mask_header.mode not in ("L", "P"):
                raise BadSampleError(
                    f"{mask}: expected a mask of 8-bit class ids (mode L or P), got mode {mask_header.mode}; "
                    "save the ids, not their colours."
                )
            pair_as_shown((frame, header), (mask, mask_header))

    def _check_present(self) -> None:
        frames = [name for name in self.names if not (self.image_dir / name).is_file()]
        if frames:
            raise MissingDataError(
                f"camvid: {len(frames)} of {len(self)} frames do not exist; the first is {self.image_dir / frames[0]}."
            )
        masks = [name for name in self.names if not self.label_path(name).is_file()]
        if masks:
            expect_folder(self.label_dir)
            raise MissingDataError(
                f"camvid: {len(masks)} of {len(self)} frames have no mask; the first is {self.image_dir / masks[0]} "
                f"(expected {self.label_path(masks[0])})."
            )


def _read_codes(root: Path) -> list[str]:
    """The class names of `root/codes.txt`; the index is the id."""
    expect_folder(root)
    if not root.is_dir():
        raise MissingDataError(
            f"{root}: no such folder; expected images/, labels/ and codes.txt in it "
            "(`triptych make-data camvid DIR` writes made-up streets, `download: true` fetches the real ones)."
        )
    if not (root / "codes.txt").is_file():
        raise MissingDataError(f"{root / 'codes.txt'}: no such file; expected one class name per line, in order of id.")
    return read_lines(root / "codes.txt")


def merge_codes(codes: Sequence[str], classes: ClassSet) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """Class names after merging, and a table (256,) uint8 from an id in a file to the merged id."""
    if classes == "all":
        return list(codes), np.arange(256, dtype=np.uint8)
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
    table = np.zeros(256, dtype=np.uint8)
    table[: len(codes)] = [merged_id[code] for code in codes]
    return list(SEGNET_NAMES), table
