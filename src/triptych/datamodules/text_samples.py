"""Texts as samples of a classifier, in batches of similar lengths."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from triptych.datamodules.epoch_order import EpochSampler, Key
from triptych.datasets.sample import TextSample
from triptych.metrics.token_scores import NO_TOKEN
from triptych.text import PAD_ID

_WINDOW = 50
"""Batches whose texts are sorted by length together, as in fastai's `SortedDL`."""


class NumberedText(NamedTuple):
    """A text as ids in a vocabulary; see `TextSample`. `category` is None if it is unknown."""

    ids: npt.NDArray[np.int32]
    path: str
    category: int | None


class TextSamples(Dataset[TextSample]):
    """Samples of texts.

    Args:
        texts: The texts.
    """

    def __init__(self, texts: Sequence[NumberedText]) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, key: Key | int) -> TextSample:
        text = self.texts[key[1] if isinstance(key, tuple) else key]
        sample = TextSample(tokens=torch.from_numpy(text.ids).long(), path=text.path, size=torch.tensor(len(text.ids)))
        if text.category is not None:
            sample["category"] = torch.tensor(text.category)
        return sample

    @property
    def lengths(self) -> list[int]:
        """Number of tokens of each text."""
        return [len(text.ids) for text in self.texts]


def pad(samples: Sequence[TextSample]) -> dict[str, Any]:
    """A batch of texts, which are padded on the right to the length of the longest."""
    batch: dict[str, Any] = {
        "tokens": pad_sequence([sample["tokens"] for sample in samples], batch_first=True, padding_value=PAD_ID),
        "path": [sample["path"] for sample in samples],
        "size": torch.stack([sample["size"] for sample in samples]),
    }
    if all("next" in sample for sample in samples):
        following = [sample["next"] for sample in samples]
        batch["next"] = pad_sequence(following, batch_first=True, padding_value=NO_TOKEN)
    if all("category" in sample for sample in samples):
        batch["category"] = torch.stack([sample["category"] for sample in samples])
    return batch


class LengthSampler(EpochSampler):
    """Sampler whose batches have texts of similar lengths, so that little is padded.

    Of a shuffled epoch each window of 50 batches is sorted by length, and then the batches are shuffled; else all texts
    are sorted, the longest first. The order depends on (seed, epoch) alone.

    Args:
        lengths: Number of tokens of each text.
        batch_size: Texts per batch and process.
        shuffle: Whether the epochs are shuffled.
        seed: Seed of the order.
        order: Further arguments of `EpochSampler`.

    Source: fastai 2.8, `SortedDL`.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, shuffle: bool, seed: int, **order: Any) -> None:
        super().__init__(len(lengths), shuffle, seed, **order)
        self.lengths, self.at_once = lengths, batch_size * self.num_replicas

    def _order(self) -> list[Key]:
        keys = super()._order()
        window = _WINDOW * self.at_once if self.shuffle else len(keys)
        windows = [keys[start : start + window] for start in range(0, len(keys), window)]
        keys = [key for one in windows for key in sorted(one, key=lambda key: -self.lengths[key[1]])]
        return self._shuffled_batches(keys) if self.shuffle else keys

    def _shuffled_batches(self, keys: Sequence[Key]) -> list[Key]:
        """The same batches in another order; one that is not full stays the last."""
        full = len(keys) // self.at_once
        generator = np.random.default_rng((self.seed, self.epoch, 1))
        batches = [keys[i * self.at_once : (i + 1) * self.at_once] for i in [*generator.permutation(full), full]]
        return [key for batch in batches for key in batch]
