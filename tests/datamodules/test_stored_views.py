"""What an encoder gave is read back bit for bit, with the targets of its view and the keys of its samples."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from triptych.datamodules.epoch_order import Key
from triptych.datamodules.stored_views import StoredViews
from triptych.models.network import Encoded

SAMPLES, VIEWS, FIRST_EPOCH = 5, 3, 7


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape).to(dtype)


def batch_of(keys: list[Key]) -> tuple[dict[str, Any], Encoded]:
    """Samples whose every tensor says which view of which sample it is."""
    torch.manual_seed(hash(tuple(keys)) % 2**31)
    count = len(keys)
    targets = {
        "path": [f"{index}.png" for _, index, *_ in keys],
        "image": torch.zeros(count, 3, 8, 6, dtype=torch.uint8),
        "mask": torch.randint(0, 256, (count, 8, 6)),
        "point": noise(count, 2, 2),
        "only_resized": torch.tensor([index % 2 == 0 for _, index, *_ in keys]),
    }
    maps = [noise(count, 0, 8, 6), noise(count, 4, 4, 3, dtype=torch.bfloat16), noise(count, 7)]
    return targets, Encoded((8, 6), maps)


@pytest.fixture
def written(tmp_path: Path) -> tuple[StoredViews, dict[Key, tuple[dict[str, Any], list[Tensor]]]]:
    """The file, and what was written for each key."""
    views = StoredViews(tmp_path / "new" / "views.bin", SAMPLES, VIEWS, FIRST_EPOCH, stored=SAMPLES)
    rows = {}
    for start in range(0, len(views.keys), 4):  # batches that begin in one view and end in the next
        keys = views.keys[start : start + 4]
        targets, encoded = batch_of(keys)
        views.append(targets, encoded)
        for place, key in enumerate(keys):
            rows[key] = {name: value[place] for name, value in targets.items()}, [one[place] for one in encoded.maps]
    return views, rows


def test_samples_are_read_bit_for_bit_in_any_order(written: Any) -> None:
    views, rows = written
    keys = [(FIRST_EPOCH + 2, 4), (FIRST_EPOCH, 0), (FIRST_EPOCH + 1, 4), (FIRST_EPOCH, 0)]
    batch: Any = views.__getitems__(keys)
    assert "image" not in batch and batch["key"] == keys and batch["features"].size == (8, 6)
    for place, key in enumerate(keys):
        targets, maps = rows[key]
        assert batch["path"][place] == targets["path"]
        for name in ("mask", "point", "only_resized"):
            assert batch[name].dtype == targets[name].dtype
            assert torch.equal(batch[name][place], targets[name])
        for one, other in zip(batch["features"].maps, maps, strict=True):
            assert one.dtype == other.dtype and torch.equal(one[place], other)
    assert batch["features"].maps[1].is_contiguous(memory_format=torch.channels_last)


def test_views_come_again_after_the_last_one(written: Any) -> None:
    views, _ = written
    later: list[Key | int] = [(FIRST_EPOCH + VIEWS + 1, 2), (FIRST_EPOCH + 2 * VIEWS, 3, 1), 4]
    first = [(FIRST_EPOCH + 1, 2), (FIRST_EPOCH, 3), (FIRST_EPOCH, 4)]
    assert views.__getitems__(later)["key"] == first
    assert torch.equal(views.__getitems__(later)["mask"], views.__getitems__(first)["mask"])


def test_the_file_has_the_bytes_that_are_told(written: Any) -> None:
    views, _ = written
    assert views.path.stat().st_size == VIEWS * SAMPLES * views.bytes_per_sample
    assert views.bytes_per_sample == 8 * 6 + 4 * 4 + 1 + 2 * 4 * 4 * 3 + 4 * 7


def test_a_few_samples_stand_for_all(tmp_path: Path) -> None:
    views = StoredViews(tmp_path / "views.bin", 100, 1, 0, stored=3)
    views.append(*batch_of(views.keys))
    assert len(views) == 100
    assert views.__getitems__([(5, 98), (0, 2)])["path"] == ["2.png", "2.png"]
