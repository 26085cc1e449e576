"""The order in which the samples of an epoch come."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import DistributedSampler

Place = tuple[int, int]
"""(epoch, samples): how far a process has come."""
Key = tuple[int, int] | tuple[int, int, int]
"""(epoch, index): with the seed, all that a sample and its augmentation depend on. If an epoch draws an index again,
the number of times before, from 1 on, is the third.
"""


class EpochSampler(DistributedSampler[Key]):
    """The keys of one epoch, in an order that follows from (seed, epoch) alone; each process takes its share.

    Unlike its parent it never repeats a sample to even out the processes when `shuffle` is off, so scores stay exact.
    With weights an epoch is as long, but its samples are drawn with replacement.

    Args:
        length: Number of samples.
        shuffle: Whether to mix them, anew each epoch.
        seed: Seed of the order, at least 0.
        num_replicas: Number of processes.
        rank: Which of them this is.
        first_epoch: Number of the first epoch, where others went before.
        resume_at: (epoch, samples): the first time goes through this epoch, and leaves out the samples that this
            process has seen of it.
        weights: How often each sample is drawn, in relation to the others; None takes each once. Asks for `shuffle`.
    """

    def __init__(
        self,
        length: int,
        shuffle: bool,
        seed: int,
        num_replicas: int = 1,
        rank: int = 0,
        first_epoch: int = 0,
        resume_at: Place | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(range(length), num_replicas=num_replicas, rank=rank, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]
        self.first_epoch, self.resume_at, self.weights = first_epoch, resume_at, weights
        self.epoch = first_epoch

    def set_epoch(self, epoch: int) -> None:
        """The next time goes through epoch number `epoch`, counted from `first_epoch`."""
        if self.resume_at is not None and self.resume_at[0] != epoch:  # nothing was left of the epoch to go on with
            self.resume_at = None
        super().set_epoch(self.first_epoch + epoch)

    def __iter__(self) -> Iterator[Key]:
        seen = 0
        if self.resume_at is not None:
            epoch, seen = self.resume_at
            self.resume_at = None
            self.set_epoch(epoch)
        order = self._order()
        return iter([order[place] for place in self._share()[seen:]])

    def __len__(self) -> int:
        return len(self._share())

    def _share(self) -> range:
        """Places of the whole order that this process takes."""
        length = self.total_size if self.shuffle else len(self.dataset)  # type: ignore[arg-type]
        return range(self.rank, length, self.num_replicas)

    def _order(self) -> list[Key]:
        """The keys of all processes."""
        length = len(self.dataset)  # type: ignore[arg-type]
        if not self.shuffle:
            return [(self.epoch, index) for index in range(length)]
        generator = np.random.default_rng((self.seed, self.epoch))
        if self.weights is None:
            return [(self.epoch, index) for index in np.resize(generator.permutation(length), self.total_size).tolist()]
        shares = np.array(self.weights) / np.sum(self.weights)
        drawn = np.resize(generator.choice(length, length, p=shares), self.total_size)
        return _numbered(self.epoch, drawn.tolist())


def _numbered(epoch: int, indices: Sequence[int]) -> list[Key]:
    """Keys of the indices, of which no two are alike."""
    keys: list[Key] = []
    times: Counter[int] = Counter()
    for index in indices:
        keys.append((epoch, index, times[index]) if times[index] else (epoch, index))
        times[index] += 1
    return keys
