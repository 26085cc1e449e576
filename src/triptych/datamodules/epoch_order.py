"""Order of the samples in an epoch."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import DistributedSampler

Position = tuple[int, int]
"""(epoch index, number of its samples that a process has seen)."""
Key = tuple[int, int] | tuple[int, int, int]
"""(epoch index, sample index): with the seed, all that a sample and its augmentation depend on.

If an epoch draws a sample again, a third number counts its earlier draws.
"""


class EpochSampler(DistributedSampler[Key]):
    """Sampler of the keys of one epoch, in an order that depends on (seed, epoch) alone; each process takes its part.

    Without `shuffle` it never repeats a sample to give each process the same number, unlike its parent, so scores stay
    exact. With weights an epoch has the same length, but its samples are drawn with replacement.

    Args:
        length: Number of samples.
        shuffle: Whether to shuffle the samples, in a new order each epoch.
        seed: Seed of the order, at least 0.
        num_replicas: Number of processes.
        rank: Index of this process.
        first_epoch: Index of the first epoch, if earlier fits came before.
        resume_at: (epoch, samples): the first iteration takes this epoch and skips that many samples, which this
            process has seen.
        weights: How often each sample is drawn, relative to the others; None takes each once. Requires `shuffle`.
    """

    def __init__(
        self,
        length: int,
        shuffle: bool,
        seed: int,
        num_replicas: int = 1,
        rank: int = 0,
        first_epoch: int = 0,
        resume_at: Position | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(range(length), num_replicas=num_replicas, rank=rank, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]
        self.first_epoch, self.resume_at, self.weights = first_epoch, resume_at, weights
        self.epoch = first_epoch

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the next iteration, counted from `first_epoch`."""
        if self.resume_at is not None and self.resume_at[0] != epoch:  # the epoch to resume was complete
            self.resume_at = None
        super().set_epoch(self.first_epoch + epoch)

    def __iter__(self) -> Iterator[Key]:
        seen = 0
        if self.resume_at is not None:
            epoch, seen = self.resume_at
            self.resume_at = None
            self.set_epoch(epoch)
        order = self._order()
        return iter([order[index] for index in self._own_indices()[seen:]])

    def __len__(self) -> int:
        return len(self._own_indices())

    def _own_indices(self) -> range:
        """Indices into the whole order that this process takes."""
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
        probabilities = np.array(self.weights) / np.sum(self.weights)
        drawn = np.resize(generator.choice(length, length, p=probabilities), self.total_size)
        return _distinct_keys(self.epoch, drawn.tolist())


def _distinct_keys(epoch: int, indices: Sequence[int]) -> list[Key]:
    """Keys of the indices, all different."""
    keys: list[Key] = []
    draws: Counter[int] = Counter()
    for index in indices:
        keys.append((epoch, index, draws[index]) if draws[index] else (epoch, index))
        draws[index] += 1
    return keys
