"""What a data module keeps decoded, and the line that says what it takes."""

import time
from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from lightning.pytorch.utilities import rank_zero_info

from triptych.datasets.decoded import decode, keeps_pixels
from triptych.datasets.pixel_cache import Keep, PixelCache, size_text
from triptych.datasets.sample import Records
from triptych.errors import MissingDataError
from triptych.trainer.memory import free_memory

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
        self._kept: list[tuple[Records, Records]] = []

    def keep(self, splits: Sequence[Records], threads: int) -> None:
        """Decodes the records of some splits, unless they are kept already; says what it takes, or why it is left.

        Args:
            splits: The records.
            threads: Number of threads that decode.

        Raises:
            MissingDataError: A file does not exist.
            BadSampleError: A file cannot be decoded.
        """
        known = [records for records, _ in self._kept]
        if self._cache is None or (len(known) == len(splits) and all(map(_is, known, splits))):
            return
        self._kept = [(records, records) for records in splits]
        if other := next((records for records in splits if not keeps_pixels(records)), None):
            rank_zero_info(f"cache: nothing is kept, as {type(other).__name__} reads its records in a way of its own.")
            return
        began = time.monotonic()
        try:
            decoded, store, is_new = decode(splits, self._cache, threads)
        except MissingDataError:
            raise
        except (OSError, NotImplementedError) as error:
            rank_zero_info(f"cache: nothing is kept, as {error}.")
            return
        how = f"decoded in {time.monotonic() - began:.1f} s" if is_new else "decoded before"
        rank_zero_info(f"cache: {len(store)} images, {how}, take {size_text(store.num_bytes)} in {store.path.parent}")
        self._kept = list(zip(splits, decoded, strict=True))

    def of(self, records: Records) -> Records:
        """The records, decoded if they are kept."""
        return next((decoded for known, decoded in self._kept if known is records), records)


def _is(one: Any, other: Any) -> bool:
    return one is other


def _free_memory() -> float:
    return free_memory(torch.device("cpu"))
