"""Which files of a folder are frames, and which file is the mask of each."""

import os
import posixpath
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePath

from triptych.datasets.files import list_files, list_images, summary
from triptych.datasets.folders import missing_folder
from triptych.datasets.label_name import fitting_label_name, is_mask_file, mask_name
from triptych.datasets.names import spelling
from triptych.errors import MissingDataError


class MaskFiles:
    """Frames and masks, which may lie in one folder.

    Args:
        root: Folder of the data set.
        image_dir: Folder of the frames, below `root`.
        label_dir: Folder of the masks, below `root`.
        label_name: See `CamVid`.
    """

    def __init__(self, root: Path, image_dir: str, label_dir: str, label_name: str) -> None:
        self.root, self.label_name = root, label_name
        self.image_dir, self.label_dir = root / image_dir, root / label_dir

    def frames(self) -> list[str]:
        """Names of the images that are masks of no other image.

        Raises:
            MissingDataError: There is no such folder, or each image is its own mask.
        """
        if not self.image_dir.exists():
            raise MissingDataError(missing_folder(self.image_dir, self.root, "image_dir", "images"))
        names = list_images(self.image_dir)
        below = PurePath(os.path.relpath(self.label_dir, self.image_dir)).as_posix()
        if below.startswith(os.pardir):
            return names
        masks = {posixpath.normpath(f"{below}/{mask_name(name, self.label_name)}") for name in names}
        frames = [name for name in names if name not in masks]
        if names and not frames:
            raise MissingDataError(
                f"{self.image_dir}: expected masks beside the frames, but by label_name {self.label_name!r} each image "
                f"is its own mask, such as {names[0]}; set label_name, or label_dir to the folder of the masks."
            )
        return frames

    def path(self, name: str) -> Path:
        """Where the mask of a frame is expected; a file whose name differs in Unicode or case of suffix is taken."""
        return self.label_dir / self._file(mask_name(name, self.label_name))

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of the frames that have no mask now."""
        present = frozenset(list_files(self.label_dir))
        expected = {name: self._file(mask_name(name, self.label_name)) for name in names}
        return [
            name
            for name, file in expected.items()
            if file not in present and not (self.label_dir / file).is_file()  # such as in a hidden folder
        ]

    def _file(self, expected: str) -> str:
        return expected if expected in self._masks else self._alike.get(spelling(expected), expected)

    def missing_message(self, missing: Sequence[str], names: Sequence[str]) -> str:
        """The message that some of the frames have no mask."""
        if not self.label_dir.is_dir():
            return missing_folder(self.label_dir, self.root, "label_dir", "masks")
        first = missing[0]
        return (
            f"camvid: {len(missing)} of {len(names)} frames have no mask; the first is {self.image_dir / first} "
            f"(expected {self.path(first)}); {self.advice(missing, names)}."
        )

    def advice(self, missing: Sequence[str], names: Sequence[str]) -> str:
        """What to do about the frames without a mask."""
        fitting = fitting_label_name(names, missing, self.label_dir, self.label_dir == self.image_dir)
        if fitting is not None:
            return f'set label_name: "{fitting}"'
        if len(missing) < len(names):
            return f"add the masks, or move these frames out of {self.image_dir}"
        if any(map(is_mask_file, self._masks)):
            return f"masks are found by the names of their frames, but there is {min(self._masks)}; rename them"
        return f"export masks as PNG, of class ids: {summary(self.label_dir)} in {self.label_dir}"

    @cached_property
    def _masks(self) -> frozenset[str]:
        return frozenset(list_files(self.label_dir))

    @cached_property
    def _alike(self) -> dict[str, str]:
        return {spelling(name): name for name in self._masks}
