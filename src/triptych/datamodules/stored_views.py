"""What a frozen encoder gives for augmented views of the training samples: computed once, read in every epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from triptych.datamodules.epoch_order import Key
from triptych.datasets.sample import Batch
from triptych.models.network import Encoded

_T = TypeVar("_T")
_MAP = "features "
_NARROW = {"mask": torch.uint8}
"""Tensors that are stored in a smaller type: class ids are at most 255."""


class _Column(NamedTuple):
    """Where one tensor of every sample lies in the file: row after row, from a byte on."""

    start: int
    shape: torch.Size
    """Of one sample; channels are last."""
    dtype: torch.dtype
    given: torch.dtype
    """The type before it was stored."""

    @property
    def num_bytes(self) -> int:
        """Of one sample."""
        return self.shape.numel() * self.dtype.itemsize

    def read(self, content: npt.NDArray[np.uint8], count: int, rows: Sequence[int]) -> Tensor:
        """The tensors of some of `count` rows, a copy. Shape: (len(rows), *shape)."""
        column = content[self.start : self.start + count * self.num_bytes].reshape(count, self.num_bytes)
        values = torch.from_numpy(column[rows].reshape(-1)).view(self.dtype)
        return values.view(len(rows), *self.shape).to(self.given)


class StoredViews(Dataset[Any]):
    """Training samples in K augmented views, with the features of an encoder in place of the image, in a file.

    Sample i of epoch e is its view (e - first_epoch) modulo K: what it is without the file in epoch
    `first_epoch` + view. So the first K epochs are those of a training that reads the images. A sample that an epoch
    draws twice is twice the same.

    The file is mapped for each batch anew, so its pages do not count as memory of this process. It is not to be read by
    others: bytes without a header, in the order of a batch's tensors.

    Args:
        path: The file, which is replaced.
        num_samples: Number of training samples.
        num_views: K, at least 1.
        first_epoch: Index of the first epoch.
        stored: Number of samples in the file, which then stand for the others too: sample i is sample i modulo
            `stored`. A measurement needs a few alone.
    """

    def __init__(self, path: Path, num_samples: int, num_views: int, first_epoch: int, stored: int) -> None:
        self.path, self.num_samples, self.num_views, self.first_epoch = path, num_samples, num_views, first_epoch
        self.stored, self._written = stored, 0
        self._columns: dict[str, _Column] = {}
        self._lists: dict[str, list[Any]] = {}
        self._size: Sequence[int] = ()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def __len__(self) -> int:
        return self.num_samples

    @property
    def keys(self) -> list[Key]:
        """Keys of all samples in the file, in its order: view by view."""
        return [(self.first_epoch + view, index) for view in range(self.num_views) for index in range(self.stored)]

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of a view of a sample; known after the first `append`."""
        return sum(column.num_bytes for column in self._columns.values())

    def append(self, batch: Mapping[str, Any], encoded: Encoded) -> None:
        """Writes the next samples, in the order of `keys`.

        Args:
            batch: The samples; all but the images is written.
            encoded: What the encoder gave for their images, on any device.
        """
        kept = {name: value for name, value in batch.items() if name != "image"}
        maps = {f"{_MAP}{number}": _channels_last(one) for number, one in enumerate(encoded.maps)}
        tensors = {**{name: value for name, value in kept.items() if isinstance(value, Tensor)}, **maps}
        if not self._columns:
            self._lay_out(tensors)
            self._size = tuple(encoded.size)
        with self.path.open("r+b") as file:
            for name, column in self._columns.items():
                file.seek(column.start + self._written * column.num_bytes)
                file.write(_bytes(tensors[name].to("cpu", column.dtype)))
        for name in kept.keys() - tensors.keys():
            self._lists.setdefault(name, []).extend(kept[name])
        self._written += len(encoded.maps[0])

    def _lay_out(self, tensors: Mapping[str, Tensor]) -> None:
        start = 0
        for name, tensor in tensors.items():
            column = _Column(start, tensor.shape[1:], _NARROW.get(name, tensor.dtype), tensor.dtype)
            self._columns[name] = column
            start += column.num_bytes * self.num_views * self.stored

    def __getitems__(self, keys: Sequence[Key | int]) -> Batch:
        """A batch; a plain index means the first view."""
        given = [key[:2] if isinstance(key, tuple) else (self.first_epoch, key) for key in keys]
        places = [((epoch - self.first_epoch) % self.num_views, index % self.stored) for epoch, index in given]
        rows = [view * self.stored + index for view, index in places]
        content, count = np.memmap(self.path, np.uint8, "r"), self.num_views * self.stored
        read = {name: column.read(content, count, rows) for name, column in self._columns.items()}
        maps = [_channels_first(read.pop(name)) for name in self._columns if name.startswith(_MAP)]
        lists = {name: [values[row] for row in rows] for name, values in self._lists.items()}
        key = [(self.first_epoch + view, index) for view, index in places]
        # Lightning takes the size of the batch from the first tensor, and warns of numbers after it
        batch: Any = {**lists, "key": key, "features": Encoded(self._size, maps), **read}
        return batch  # type: ignore[no-any-return]


def as_read(batch: _T) -> _T:
    """The batch as `StoredViews` reads it: collates nothing."""
    return batch


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.contiguous().view(-1).view(torch.uint8).numpy().data


def _channels_last(features: Tensor) -> Tensor:
    """Shape: (N, C, H, W), and (N, H, W, C) as a view; another shape as it is."""
    return features.permute(0, 2, 3, 1) if features.ndim == 4 else features


def _channels_first(features: Tensor) -> Tensor:
    return features.permute(0, 3, 1, 2) if features.ndim == 4 else features
