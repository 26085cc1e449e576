"""What differs from task to task in a folder of corrections."""

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from triptych.errors import BadSampleError
from triptych.exported import Manifest

Size = tuple[int, int]
"""(height, width) in pixels."""


class Layout(ABC):
    """The layout of a data set, as its data module reads it without further arguments.

    Args:
        manifest: Of the model that is corrected.
    """

    given_dir: ClassVar[str]
    """Folder of the images or texts."""
    index: ClassVar[str]
    """Name of the file that tells whose data these are."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    @abstractmethod
    def check(self, folder: Path) -> None:
        """Compares the index, if there is one, with the model.

        Raises:
            BadSampleError: The folder holds the data of another model.
        """

    @abstractmethod
    def label(self, data: bytes, size: Any) -> Any:
        """A label as it was sent, checked.

        Args:
            data: The field `label`.
            size: `Size` of its image, or the number of tokens of its text.

        Raises:
            BadSampleError: It is no label for this model and what it was given.
        """

    @abstractmethod
    def files(self, folder: Path, stem: str, given: tuple[str, bytes], label: Any) -> dict[Path, bytes]:
        """The files of a correction, in the order in which they are to be written.

        Args:
            folder: The folder.
            stem: Name of the correction.
            given: File name and content of the image or text.
            label: What `label` has returned.
        """

    def label_paths(self, folder: Path, stem: str) -> list[Path]:
        """Files beside that of the image that belong to one correction alone."""
        return []

    def given_path(self, folder: Path, name: str) -> Path:
        """Where an image or text lies."""
        return folder / self.given_dir / name


def text_of(path: Path) -> str:
    """The text of an index; empty if there is none.

    Raises:
        BadSampleError: It is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise BadSampleError(f"{path}: expected text in UTF-8; save it so, or choose another folder.") from error


def parsed_list(data: bytes) -> list[Any]:
    """A label in JSON.

    Raises:
        BadSampleError: It is no list.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, list):
        raise BadSampleError(f"label: expected a list in JSON, got {data[:40].decode('utf-8', 'replace')!r}.")
    return content
