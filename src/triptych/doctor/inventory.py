"""What a data set is made of: its files, labels and splits, as far as they can be found, and what each file holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from triptych.datasets.label_table import LabelTable
from triptych.datasets.sample import Split
from triptych.doctor.contents import ImageContent, MaskContent
from triptych.doctor.findings import Finding
from triptych.images import READERS, Channels, Scale


@dataclass
class MaskLabels:
    """Masks of frames.

    Args:
        folder: Folder of the masks.
        paths: Where the mask of each sample is expected, by the sample's name.
        unused: Files in the folder of masks that belong to no frame.
        table: The classes of the values in the masks; None if the names of the classes cannot be read.
    """

    folder: Path
    paths: Mapping[str, Path]
    unused: list[Path]
    table: LabelTable | None
    contents: dict[str, MaskContent] = field(default_factory=dict)
    """What each mask holds, by the sample's name; those that do not exist are left out."""


@dataclass
class TagLabels:
    """Tags of tiles.

    Args:
        tags_of: Tags of each sample, by its name.
        tags: The tags that the model learns, in their order.
        unused: Images that the table does not name.
        table: The table.
        delimiter: Text between two tags.
        advice: The argument that would find tiles that do not exist; empty if all do.
    """

    tags_of: Mapping[str, list[str]]
    tags: list[str]
    unused: list[Path]
    table: Path
    delimiter: str
    advice: str = ""


@dataclass
class PointLabels:
    """Points of images.

    Args:
        points_px: Points (P, 2) of each sample as (x, y) in pixels, NaN where one is missing, by the sample's name.
        unused: Images without a row or file of points.
    """

    points_px: Mapping[str, npt.NDArray[np.float64]]
    unused: list[Path]


Labels = TypeVar("Labels", bound=MaskLabels | TagLabels | PointLabels, covariant=True)


@dataclass
class DataSet:
    """A data set as the doctor sees it, whatever its samples are.

    Args:
        root: Folder of the data set.
        word: What a sample is called in a message, such as "frame".
        faults: What was wrong with files that tell about others: lists, tables, names of classes.
        splits: Names of the samples of each split; empty if the split cannot be made.
        refusal: Why `setup` would refuse the data, as far as it gets; empty if it would not.
    """

    root: Path
    word: str
    faults: Sequence[Finding]
    splits: Mapping[Split, list[str]]
    refusal: str = field(default="", kw_only=True)

    @property
    def names(self) -> Sequence[str]:
        """Names of the samples, in their order."""
        raise NotImplementedError

    def path_of(self, name: str) -> str:
        """Where a sample is, for a finding."""
        raise NotImplementedError

    @cached_property
    def split_of(self) -> dict[str, Split]:
        """The split of each sample, by its name."""
        return {name: split for split, names in self.splits.items() for name in names}


@dataclass
class Inventory(DataSet, Generic[Labels]):
    """A data set of images; see `DataSet`.

    Args:
        images: Path of each sample's image, by its name.
        labels: Its labels, of the kind of its task.
        group: Regular expression that names the group of a sample, if one is set.
        scale: How images of more than 8 bits are read, if it is set.
        channels: How many channels are read.
    """

    images: Mapping[str, Path]
    labels: Labels
    group: str | None = None
    scale: Scale | None = None
    channels: Channels = 3
    contents: dict[str, ImageContent] = field(default_factory=dict)
    """What each image holds, by the sample's name; those that do not exist are left out."""

    @property
    def names(self) -> Sequence[str]:
        return [*self.images]

    def path_of(self, name: str) -> str:
        return self.relative(self.images[name])

    def read(self, path: Path) -> npt.NDArray[np.uint8]:
        """Reads an image, as training does: uint8 (H, W, C), RGB first."""
        return READERS[self.channels](path, self.scale)

    def relative(self, path: Path) -> str:
        """A path below the root, with `/`; any other as it is."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def files(self, names: Iterable[str], why: str) -> dict[str, str]:
        """The images of some samples, all with the same reason."""
        return {self.path_of(name): why for name in names}


@dataclass
class Texts(DataSet):
    """A table of texts; see `DataSet`. A name is a place such as `texts.csv, row 12`.

    Args:
        texts: The text of each row, by its name; some may be empty.
        labels: The label of each row, by its name; empty if there are none.
    """

    texts: Mapping[str, str]
    labels: Mapping[str, str]

    @property
    def names(self) -> Sequence[str]:
        return [*self.texts]

    def path_of(self, name: str) -> str:
        return name
