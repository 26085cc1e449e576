"""Planet Amazon: satellite tiles and their tags, read from the competition's own layout.

Layout: `train_v2.csv` (`image_name,tags`, tags separated by spaces) and `train-jpg/NAME.jpg`.

Credit: Planet and SCCON, "Understanding the Amazon from Space", Kaggle, 2017.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from triptych.datasets.download import Archive
from triptych.datasets.folders import expect_folder
from triptych.datasets.images import READERS, Channels, Scale, checked_scale
from triptych.datasets.pictures import Pictures
from triptych.datasets.planet_tags import PLANET_TAGS
from triptych.datasets.sample import Record
from triptych.errors import BadSampleError, MissingDataError

SAMPLE_ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-sample/planet_sample.tgz",
    size=15_523_994,
    md5_head="8bfb174b3162f07fbde09b54555bdb00",
)
"""The course's public sample: 1,000 tiles, `labels.csv` and `train/`."""

Tags = Literal["planet", "table"] | list[str]
"""The 17 tags of the competition, the tags that occur in the table, or a list."""


class Planet:
    """The tiles of a table, each with its tags.

    Args:
        root: Folder with the table and the tiles.
        names: Names of the tiles to take, in this order; None takes all, in the order of the table.
        table: Name of the CSV file, below `root`.
        folder: Folder of the tiles, below `root`.
        suffix: End of a tile's file name that the table leaves out.
        delimiter: Text between two tags; spaces around a tag and empty tags are ignored.
        name_column: Heading of the column of names.
        tag_column: Heading of the column of tags.
        tags: `"planet"` for the 17 tags of the competition, `"table"` for those that occur in the table, or a list.
        channels: 3 reads RGB; 4 also reads another band, such as near infrared.
        scale: How tiles of more than 8 bits are read; see `read_rgb`.

    Raises:
        MissingDataError: The folder, the table or a tile does not exist.
        BadSampleError: The table lacks a column, names a tile twice, or has a tile without tags or with an unknown tag.
        ValueError: `tags` is unknown, or `scale` is none.
    """

    def __init__(
        self,
        root: str | Path,
        names: Sequence[str] | None = None,
        *,
        table: str = "train_v2.csv",
        folder: str = "train-jpg",
        suffix: str = ".jpg",
        delimiter: str = " ",
        name_column: str = "image_name",
        tag_column: str = "tags",
        tags: Tags = "planet",
        channels: Channels = 3,
        scale: Scale | None = None,
    ) -> None:
        self.channels, self.scale = channels, checked_scale(scale)
        self.folder, self.suffix = Path(root) / folder, suffix
        self.tags_of = _read_table(Path(root), table, name_column, tag_column, delimiter)
        self.tags = self._known_tags(tags, Path(root) / table)
        self.names = list(names) if names is not None else list(self.tags_of)
        self._check_files()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Record:
        """Reads one tile.

        Returns:
            `image` uint8 (H, W, channels), RGB first, `labels` float32 (L,), 1 for each tag it has, `path` of the tile.

        Raises:
            BadSampleError: The tile cannot be decoded, or does not have four channels when `channels` is 4.
        """
        name = self.names[index]
        labels = np.array([tag in self.tags_of[name] for tag in self.tags], dtype=np.float32)
        path = self.path(name)
        return {"image": READERS[self.channels](path, self.scale), "labels": labels, "path": str(path)}

    def path(self, name: str) -> Path:
        """Where the tile `name` is expected."""
        return self.folder / f"{name}{self.suffix}"

    def _known_tags(self, tags: Tags, table: Path) -> list[str]:
        occurring = sorted({tag for tile_tags in self.tags_of.values() for tag in tile_tags})
        if tags == "table":
            return occurring
        if isinstance(tags, str) and tags != "planet":
            raise ValueError(f'tags: expected "planet", "table" or a list of tags, got {tags!r}.')
        known = list(PLANET_TAGS if tags == "planet" else tags)
        unknown = [tag for tag in occurring if tag not in known]
        if unknown:
            tile = next(name for name, tile_tags in self.tags_of.items() if unknown[0] in tile_tags)
            raise BadSampleError(
                f"{table}: tile {tile!r} has the unknown tag {unknown[0]!r}; expected {', '.join(known)}, or set "
                'tags: "table" to take the tags of the table.'
            )
        return known

    def _check_files(self) -> None:
        unlisted = [name for name in self.names if name not in self.tags_of]
        if unlisted:
            raise BadSampleError(f"planet: {len(unlisted)} tiles are not in the table; the first is {unlisted[0]!r}.")
        missing = [name for name in self.names if not self.path(name).is_file()]
        if missing:
            expect_folder(self.folder)
            raise MissingDataError(
                f"planet: {len(missing)} of {len(self)} tiles do not exist; the first is {self.path(missing[0])}."
            )


class TilePictures(Pictures):
    """Tiles to predict, without a table.

    Args:
        path: See `Pictures`.
        channels: See `Planet`.
        scale: See `Planet`.
    """

    def __init__(self, path: Path, channels: Channels, scale: Scale | None = None) -> None:
        super().__init__(path, scale)
        self.channels = channels

    def __getitem__(self, index: int) -> Record:
        """`image` uint8 (H, W, channels), RGB first, and its `path`."""
        return {"image": READERS[self.channels](self.paths[index], self.scale), "path": str(self.paths[index])}


def _read_table(root: Path, table: str, name_column: str, tag_column: str, delimiter: str) -> dict[str, list[str]]:
    """Tags of each tile by its name; see `Planet`. Blank lines are skipped."""
    path = root / table
    expect_folder(root)
    if not root.is_dir():
        raise MissingDataError(
            f"{root}: no such folder; expected {table} and tiles in it (`triptych make-data planet DIR` draws made-up "
            "tiles, `download: true` fetches the course's sample of 1,000)."
        )
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected a table with the columns {name_column},{tag_column}.")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        for column in (name_column, tag_column):
            if column not in (reader.fieldnames or ()):
                raise BadSampleError(
                    f"{path}: expected a column {column!r}, got {', '.join(reader.fieldnames or ()) or 'none'}."
                )
        rows = [(row[name_column], _split(row[tag_column] or "", delimiter)) for row in reader if _has_text(row)]
    repeated = [name for name, count in Counter(name for name, _ in rows).items() if count > 1]
    if repeated:
        raise BadSampleError(
            f"{path}: expected each tile once, got {len(repeated)} repeated; the first is {repeated[0]!r}."
        )
    empty = [name for name, tags in rows if not tags]
    if empty:
        raise BadSampleError(f"{path}: {len(empty)} tiles have no tags; the first is {empty[0]!r}.")
    return dict(rows)


def _split(text: str, delimiter: str) -> list[str]:
    return [tag.strip() for tag in text.split(delimiter) if tag.strip()]


def _has_text(row: dict[str, Any]) -> bool:
    return any(isinstance(text, list) or (text or "").strip() for text in row.values())
