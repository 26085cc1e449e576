"""What a bootstrap draws: the images of a split, or whole groups of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

FEWEST = 5
"""Number of images, or of groups, from which an interval says something."""


class Groups(NamedTuple):
    """The group of each image, and what a group is called, such as `drive`."""

    of_images: Sequence[str]
    noun: str


@dataclass(frozen=True)
class Units:
    """The images that were scored, and the groups of images that are alike, such as the frames of one drive.

    Args:
        count: Number of images.
        noun: What an image is called, such as `frame`.
        groups: The groups; None if they are unknown.
    """

    count: int
    noun: str = "image"
    groups: Groups | None = None

    @property
    def num_groups(self) -> int:
        """Number of groups; 0 if they are unknown."""
        return 0 if self.groups is None else len({*self.groups.of_images})

    @property
    def are_groups(self) -> bool:
        """Whether whole groups are drawn."""
        return self.num_groups >= FEWEST

    @property
    def are_enough(self) -> bool:
        """Whether there are enough for an interval."""
        return self.count >= FEWEST

    @property
    def words(self) -> str:
        """What is drawn, such as `12 drives (480 frames)`; and whether the interval is too narrow."""
        images = f"{self.count:,} {self.noun}s"
        if self.groups is None:
            return images
        groups = f"one {self.groups.noun}" if self.num_groups == 1 else f"{self.num_groups} {self.groups.noun}s"
        if self.are_groups:
            return f"{groups} ({images})"
        return f"{images} of {groups}; neighbours are alike, so it is too narrow"

    def sums(self, summands: Tensor) -> Tensor:
        """The sums over each unit, (units, S), of the summands of each image, (N, S)."""
        if not self.are_groups:
            return summands
        assert self.groups is not None
        number = {group: index for index, group in enumerate(dict.fromkeys(self.groups.of_images))}
        of_image = torch.tensor([number[group] for group in self.groups.of_images])
        return summands.new_zeros(len(number), summands.shape[1]).index_add_(0, of_image, summands)
