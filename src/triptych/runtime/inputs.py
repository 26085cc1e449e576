"""What a model answers for, images or texts, as batches for its network."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from triptych.errors import BadSampleError
from triptych.exported import ExportedFolder, Manifest
from triptych.images import given_pixels
from triptych.runtime.resizing import resized_image
from triptych.text import PAD_ID, Tokenizer, Vocab

_BATCH_PIXELS = 2**18
"""Pixels that go through the network together: more are not faster on a CPU, but need more memory."""
_BATCH_TOKENS = 2**13
"""Tokens, padding included, that go through the network together: some 20 reviews; a longer text goes alone."""


class Prepared(NamedTuple):
    """What was given.

    Args:
        given: An image or a text.
        size: (height, width) in pixels of the image, or the number of the text's tokens.
        values: What the network takes, without N.
    """

    given: Any
    size: Any
    values: npt.NDArray[Any]


class Inputs(ABC):
    """Prepares what is given for a network."""

    @property
    @abstractmethod
    def example(self) -> Any:
        """Something that can be given; the first answer takes longest."""

    @abstractmethod
    def batches(self, given: Iterable[Any]) -> Iterator[list[Prepared]]:
        """Batches in the order of what is given, which is read when its turn comes.

        Raises:
            ValueError: Something has another form than the model takes.
            MissingDataError: A file does not exist.
        """

    @abstractmethod
    def stacked(self, batch: Sequence[Prepared]) -> npt.NDArray[Any]:
        """The input of the network."""


class ImageInputs(Inputs):
    """Images, each resized to the manifest's `image_size`: uint8 (N, C, H, W).

    Args:
        manifest: Of the model.
    """

    def __init__(self, manifest: Manifest) -> None:
        assert manifest.image_size is not None
        assert manifest.in_channels is not None
        self.size, self.channels, self.scale = manifest.image_size, manifest.in_channels, manifest.scale
        height, width = self.size
        self.batch_size = max(1, _BATCH_PIXELS // (height * width))

    @property
    def example(self) -> npt.NDArray[np.uint8]:
        return np.zeros((*self.size, self.channels), np.uint8)

    def batches(self, given: Iterable[Any]) -> Iterator[list[Prepared]]:
        remaining = iter(given)
        while batch := [self._prepared(image) for image in islice(remaining, self.batch_size)]:
            yield batch

    def stacked(self, batch: Sequence[Prepared]) -> npt.NDArray[np.uint8]:
        return np.stack([one.values.transpose(2, 0, 1) for one in batch])

    def _prepared(self, image: Any) -> Prepared:
        pixels = given_pixels(image, self.channels, self.scale)
        height, width = pixels.shape[:2]
        return Prepared(image, (height, width), resized_image(pixels, self.size))


class TextInputs(Inputs):
    """Texts as numbers of their tokens, padded on the right: int64 (N, T). The first one needs spaCy.

    Args:
        tokenizer: Cuts a text.
        vocab: Numbers the tokens.
    """

    def __init__(self, tokenizer: Tokenizer, vocab: Vocab) -> None:
        self.tokenizer, self.vocab = tokenizer, vocab

    @property
    def example(self) -> str:
        return "A text."

    def batches(self, given: Iterable[Any]) -> Iterator[list[Prepared]]:
        batch: list[Prepared] = []
        for one in map(self._prepared, given):
            longest = max(other.size for other in (one, *batch))
            if batch and longest * (len(batch) + 1) > _BATCH_TOKENS:
                yield batch
                batch = []
            batch.append(one)
        if batch:
            yield batch

    def stacked(self, batch: Sequence[Prepared]) -> npt.NDArray[np.int64]:
        tokens = np.full((len(batch), max(one.size for one in batch)), PAD_ID, np.int64)
        for row, one in zip(tokens, batch, strict=True):
            row[: one.size] = one.values
        return tokens

    def _prepared(self, text: Any) -> Prepared:
        if not isinstance(text, str):
            raise ValueError(f"text: expected a str, got {type(text).__name__}.")
        if not text.strip():
            raise BadSampleError("text: expected at least one word, got an empty text.")
        ids = np.array(self.vocab.numericalize(self.tokenizer(text)), np.int64)
        return Prepared(text, len(ids), ids)


def inputs_of(exported: ExportedFolder, manifest: Manifest) -> Inputs:
    """What an exported model answers for.

    Args:
        exported: Its folder.
        manifest: Its manifest.

    Raises:
        BadSampleError: It answers for texts, and its vocabulary or its rules are none.
    """
    if manifest.input == "image":
        return ImageInputs(manifest)
    return TextInputs(_tokenizer(exported.tokenizer), Vocab.read(exported.vocab))


def _tokenizer(path: Path) -> Tokenizer:
    try:
        rules = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadSampleError(f"{path}: expected rules in JSON, got another content.") from error
    if not isinstance(rules, dict):
        raise BadSampleError(f"{path}: expected rules as a mapping, got {type(rules).__name__}.")
    try:
        return Tokenizer.from_rules(rules)
    except ValueError as error:
        raise BadSampleError(f"{path}: {error}") from error
