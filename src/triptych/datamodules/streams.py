"""Texts as streams of tokens for a language model."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from triptych.datamodules.epoch_order import Key
from triptych.datasets.sample import TextSample
from triptych.metrics.token_scores import NO_TOKEN
from triptych.text import PAD_ID


class StreamSamples(Dataset[TextSample]):
    """Chunks of one continuous text, cut into streams that are read side by side.

    Sample `chunk * num_streams + stream` is that chunk of that stream, so a batch of `num_streams` samples continues
    the one before. Each token but the first is the next token of exactly one sample; the last stream is filled up.

    Args:
        texts: Ids of the tokens of each text.
        num_streams: Number of streams: samples per batch, of all processes.
        seq_len: Most tokens of a chunk, at least 1; all chunks but the last have the same number.
        seed: Seed of the order of the texts.
        shuffle: Whether an epoch joins the texts in an order of its own, which depends on (seed, epoch) alone.

    Source: fastai 2.8, `LMDataLoader`, which leaves out the tokens that do not fill all streams.
    """

    def __init__(
        self, texts: Sequence[npt.NDArray[np.int32]], num_streams: int, seq_len: int, seed: int, shuffle: bool
    ) -> None:
        self.texts, self.num_streams = texts, num_streams
        self.seed, self.shuffle = seed, shuffle
        num_next = sum(map(len, texts)) - 1
        self.length = -(-num_next // num_streams)  # of a stream
        self.seq_len = -(-self.length // -(-self.length // seq_len))  # so that the last chunk is not a token or two
        self._joined: tuple[int, npt.NDArray[np.int32]] | None = None

    def __len__(self) -> int:
        return self.num_streams * -(-self.length // self.seq_len)

    def __getitem__(self, key: Key | int) -> TextSample:
        epoch, index = key[:2] if isinstance(key, tuple) else (0, key)
        chunk, stream = divmod(index, self.num_streams)
        within = range(self.length)[chunk * self.seq_len : (chunk + 1) * self.seq_len]
        text = self._text(epoch)[stream * self.length :][within.start : within.stop + 1]
        tokens = torch.full((len(within),), PAD_ID)
        following = torch.full((len(within),), NO_TOKEN)
        known = max(0, len(text) - 1)
        tokens[:known], following[:known] = torch.from_numpy(text[:known]), torch.from_numpy(text[1:])
        path = f"stream {stream}, tokens {within.start} to {within.stop - 1}"
        return TextSample(tokens=tokens, next=following, path=path, size=torch.tensor(known))

    def _text(self, epoch: int) -> npt.NDArray[np.int32]:
        """All texts of an epoch, joined."""
        if self._joined is None or self._joined[0] != epoch:
            order = np.random.default_rng((self.seed, epoch)).permutation(len(self.texts)) if self.shuffle else None
            texts = self.texts if order is None else [self.texts[i] for i in order]
            self._joined = epoch, np.concatenate(texts)
        return self._joined[1]
