"""A folder that takes corrections: each is written whole or not at all, and never over an earlier one."""

import itertools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from triptych.errors import BadSampleError
from triptych.exported import Manifest
from triptych.exported.manifest import Task
from triptych.files import save_together
from triptych.runtime import MaskResult, Result
from triptych.serve.answer import answer_of, mask_png
from triptych.serve.corrections.layout import Layout
from triptych.serve.corrections.masks import MaskLayout
from triptych.serve.corrections.points import PointLayout
from triptych.serve.corrections.tags import TagLayout
from triptych.serve.corrections.texts import TextLayout
from triptych.serve.upload import TEXT

LAYOUTS: dict[Task, type[Layout]] = {
    "mask": MaskLayout,
    "point": PointLayout,
    "labels": TagLayout,
    "category": TextLayout,
}
"""The layout of each task's data set."""

_SAID = "said"
_LOCK = ".lock"
_LOCK_SECONDS = 10.0
_LONGEST_STEM = 60
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)  # by Windows
_SUFFIXES = {
    **{"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif"},
    TEXT: ".txt",
}
"""Suffixes by the format that a file's content has."""


class Correction(NamedTuple):
    """A correction that can be saved.

    `given` is the suffix and the content of what was uploaded, `label` what the layout makes of the label, and `said`
    the suffix and the content of the file with what the model had said.
    """

    given: tuple[str, bytes]
    label: Any
    said: tuple[str, bytes]


class Corrections:
    """A folder of corrections for a model.

    Args:
        folder: The folder; it need not exist.
        manifest: Of the model.

    Raises:
        BadSampleError: It holds the data of another model.
        OSError: It cannot be created or written to.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self._layout = LAYOUTS[manifest.task](manifest)
        self._check()
        folder.mkdir(parents=True, exist_ok=True)
        with self._lock():  # shows that it can be written to
            pass

    def __len__(self) -> int:
        return len(self._stems())

    def checked(self, given: bytes, form: str, label: bytes, result: Result) -> Correction:
        """A correction as it was sent.

        Args:
            given: The file of an image, or a text.
            form: Its format; see `Upload.read`.
            label: See `Layout.label`.
            result: What the model says about it.

        Raises:
            BadSampleError: The image is of a format that data sets do not have, or the label does not fit.
        """
        if form not in _SUFFIXES:
            raise BadSampleError(f"image: expected PNG, JPEG, WebP, BMP or TIFF, got {form}; convert it.")
        return Correction((_SUFFIXES[form], given), self._layout.label(label, result.size), _said(result))

    def save(self, correction: Correction, name: str) -> str:
        """Writes a correction, with a lock, so that other threads and servers wait.

        Args:
            correction: The correction.
            name: What the user calls it. Letters, digits, `-` and `_` of its stem name the files; a number is
                added if there are such files.

        Returns:
            The path of the image or text below the folder.

        Raises:
            BadSampleError: The folder holds the data of another model by now.
            TimeoutError: The lock is not free.
            OSError: The folder is full or cannot be written to; nothing is left there.
        """
        with self._lock():
            self._check()
            stem = self._free_stem(name)
            (suffix, given), (said_suffix, said) = correction.given, correction.said
            files = self._layout.files(self.folder, stem, (stem + suffix, given), correction.label)
            save_together({self.folder / _SAID / (stem + said_suffix): said, **files})
        return f"{self._layout.given_dir}/{stem}{suffix}"

    def _check(self) -> None:
        """Raises `BadSampleError` if the folder holds the data of another model."""
        for task, layout in LAYOUTS.items():
            if task != self.manifest.task and (self.folder / layout.index).exists():
                raise BadSampleError(
                    f"{self.folder}: expected corrections with {self._layout.index}, got data with {layout.index}; "
                    "choose another folder."
                )
        self._layout.check(self.folder)

    def _lock(self) -> FileLock:
        return FileLock(self.folder / _LOCK, timeout=_LOCK_SECONDS, fallback_to_soft=False)

    def _stems(self) -> set[str]:
        """Stems of the images or texts, in lower case, as some file systems have them."""
        kept = self.folder / self._layout.given_dir
        return {path.stem.lower() for path in kept.iterdir()} if kept.is_dir() else set()

    def _free_stem(self, name: str) -> str:
        stem, taken = plain_stem(name), self._stems()
        stems = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
        return next(one for one in stems if one.lower() not in taken and not self._left_over(one))

    def _left_over(self, stem: str) -> bool:
        """Whether a killed process has left a part of a correction of this name."""
        said = [self.folder / _SAID / (stem + suffix) for suffix in (".png", ".json")]
        return any(path.exists() for path in (*said, *self._layout.label_paths(self.folder, stem)))


def _said(result: Result) -> tuple[str, bytes]:
    """Suffix and content of the file with what the model had said."""
    if isinstance(result, MaskResult):
        return ".png", mask_png(result.mask, result.manifest)
    return ".json", json.dumps(answer_of(result), ensure_ascii=False, indent=1).encode()


def plain_stem(name: str) -> str:
    """A stem for files from whatever a client calls its image: no path, no dot, no name that a system reserves."""
    last = re.split(r"[\\/]", name)[-1]
    stem = re.sub(r"[^A-Za-z0-9-]+", "_", last.rpartition(".")[0] or last).strip("_-")[:_LONGEST_STEM]
    return "image" if not stem or _RESERVED.fullmatch(stem) else stem
