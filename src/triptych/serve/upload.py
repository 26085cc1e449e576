"""What a request gives to a model: the bytes of an image or of a text, checked and read."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from starlette.exceptions import HTTPException

from triptych.errors import BadSampleError
from triptych.exported import Manifest
from triptych.images import Channels, uploaded_header, uploaded_image
from triptych.serve.limits import Limits

TEXT = "text"
"""The format of a text; that of an image is its name in Pillow."""


class Upload(ABC):
    """Reads a field of a form.

    Args:
        manifest: Of the model that it is for.
        limits: What it may cost.

    Raises:
        ValueError: The model takes other images than files hold.
    """

    field: ClassVar[str]
    """Name of the field, and what messages call it."""

    def __init__(self, manifest: Manifest, limits: Limits) -> None:
        self.manifest, self.limits = manifest, limits

    @abstractmethod
    def read(self, data: bytes) -> tuple[Any, str]:
        """What the model is called with, and the format of the data.

        Raises:
            BadSampleError: It is something else, or is cut off.
            HTTPException: 413 if it is a longer text than is taken.
        """


class ImageUpload(Upload):
    """The file of an image."""

    field = "image"

    def __init__(self, manifest: Manifest, limits: Limits) -> None:
        super().__init__(manifest, limits)
        self._channels = _channels(manifest)

    def read(self, data: bytes) -> tuple[Any, str]:
        header = uploaded_header(data, self.field, self.limits.pixels)
        return uploaded_image(data, self.field, header, self._channels, self.manifest.scale), header.format


class TextUpload(Upload):
    """A text in UTF-8."""

    field = "text"

    def read(self, data: bytes) -> tuple[Any, str]:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise BadSampleError(f"text: expected UTF-8, got another byte at position {error.start}.") from error
        if "\0" in text:
            raise BadSampleError(f"text: expected a text, got a NUL character at position {text.index(chr(0))}.")
        if len(text) > (most := self.limits.characters):
            raise HTTPException(
                413, f"text: expected at most {most:,} characters, got {len(text):,}; send a shorter one."
            )
        return text, TEXT


def upload_of(manifest: Manifest, limits: Limits) -> Upload:
    """What a model's requests give; see `Upload`."""
    kind = {"image": ImageUpload, "text": TextUpload}[manifest.input]
    return kind(manifest, limits)


def _channels(manifest: Manifest) -> Channels:
    match manifest.in_channels:
        case 3 | 4 as channels:
            return channels
        case others:
            raise ValueError(f"in_channels: expected a model of 3 or 4 channels, whose images are files, got {others}.")
