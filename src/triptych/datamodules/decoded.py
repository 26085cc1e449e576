"""What a data module keeps decoded, and the line that says what it takes."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import torch
from lightning.pytorch.utilities import rank_zero_info

from triptych.datasets.decoded import decode, keeps_pixels
from triptych.datasets.pixel_cache import Keep, PixelCache
from triptych.datasets.sample import Records
from triptych.errors import MissingDataError
from triptych.files import size_text
from triptych.trainer.memory import free_memory
from triptych.transforms import Pipeline, Shrinking, shrinking_of

Cache = Keep | Literal["off", False]
"""Where decoded images are kept; YAML reads `off` as false."""
OFF: Literal["off"] = "off"


class DecodedRecords:
    """The records of a data module, decoded if they are kept.

    Args:
        cache: See `ImageDataModule`.

    Raises:
        ValueError: `cache` is unknown.
    """

    def __init__(self, cache: Keep | Literal["off"]) -> None:
        if cache not in (*get_args(Keep), OFF):
            raise ValueError(f"cache: expected ram, disk or off, got {cache!r}.")
        self._cache = None if cache == OFF else PixelCache(cache, _free_memory)
        self._kept: list[tuple[Records, Shrinking | None, Records]] = []
        self._told: set[Path] = set()

    def keep(self, splits: Sequence[tuple[Records, Pipeline]], threads: int) -> None:
        """Decodes the records of some splits, unless they are kept already; says what it takes, or why it is left.

        Args:
            splits: The records, each with the pipeline that they go through.
            threads: Number of threads that decode.

        Raises:
            MissingDataError: A file does not exist.
            BadSampleError: A file cannot be decoded.
        """
        shrunk = [(records, shrinking_of(pipeline)) for records, pipeline in splits]
        if self._cache is None or all(self._find(*one) is not None for one in shrunk):
            return
        now = [records for records, _ in splits]
        self._kept = [one for one in self._kept if any(one[0] is records for records in now)]  # those of other sizes
        decoded = self._decoded(shrunk, self._cache, threads)
        self._kept += [(*one, records) for one, records in zip(shrunk, decoded, strict=True)]

    def _decoded(
        self, splits: Sequence[tuple[Records, Shrinking | None]], cache: PixelCache, threads: int
    ) -> list[Records]:
        """The records, decoded; as they are if they cannot be kept, for a reason that a line says."""
        given = [records for records, _ in splits]
        other = next((records for records in given if not keeps_pixels(records)), None)
        if other is not None:
            rank_zero_info(f"cache: nothing is kept, as {type(other).__name__} reads its records in a way of its own.")
            return given
        began = time.monotonic()
        try:
            decoded, store, is_new = decode(splits, cache, threads)
        except MissingDataError:
            raise
        except (OSError, NotImplementedError) as error:
            rank_zero_info(f"cache: nothing is kept, as {error}.")
            return given
        if is_new or store.path not in self._told:
            how = f"decoded in {time.monotonic() - began:.1f} s" if is_new else "decoded before"
            size = size_text(store.num_bytes)
            rank_zero_info(f"cache: {len(store)} images, {how}, take {size} in {store.path.parent}")
        self._told.add(store.path)
        return decoded

    def of(self, records: Records, pipeline: Pipeline) -> Records:
        """The records for a pipeline, decoded if they are kept."""
        return self._find(records, shrinking_of(pipeline)) or records

    def _find(self, records: Records, shrinking: Shrinking | None) -> Records | None:
        found = (decoded for known, how, decoded in self._kept if known is records and how == shrinking)
        return next(found, None)


def _free_memory() -> float:
    return free_memory(torch.device("cpu"))
