"""Planet Amazon: satellite tiles and their tags, read from the competition's own layout.

Layout: `train_v2.csv` (`image_name,tags`, tags separated by spaces) and `train-jpg/NAME.jpg`.

Credit: Planet and SCCON, "Understanding the Amazon from Space", Kaggle, 2017.
"""

import copy
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from triptych.datasets.download import Archive
from triptych.datasets.folders import expect_folder
from triptych.datasets.pictures import Pictures
from triptych.datasets.planet_tags import PLANET_TAGS
from triptych.datasets.sample import Pixels, Record
from triptych.datasets.table import nearest
from triptych.datasets.tag_table import TagForm, TagTable, read_tags
from triptych.datasets.tile_files import TileFiles
from triptych.errors import BadSampleError, MissingDataError
from triptych.images import READERS, Channels, Scale, checked_scale

SAMPLE_ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-sample/planet_sample.tgz",
    size=15_523_994,
    md5_head="8bfb174b3162f07fbde09b54555bdb00",
)
"""The course's public sample: 1,000 tiles, `labels.csv` and `train/`."""

Tags = Literal["planet", "table"] | list[str]
"""The 17 tags of the competition, the tags that occur in the table, or a list."""


Untagged = Literal["keep", "refuse"]
"""What becomes of a tile without tags: a sample whose labels are all 0, or an error."""


class Planet:
    """The tiles of a table, each with its tags.

    The columns of the table may be separated by commas, semicolons, tabs or vertical bars. If it lacks `tag_column`,
    the other columns must hold 0 and 1 (or true and false), and each is a tag.

    Args:
        root: Folder with the table and the tiles.
        names: Names of the tiles to take, in this order; None takes all, in the order of the table.
        table: Name of the table, below `root`.
        folder: Folder of the tiles, below `root`.
        suffix: End of a tile's file name that the table leaves out; a name with its suffix is found too, and so is the
            only image of a name in another format.
        delimiter: Text between two tags; spaces around a tag and empty tags are ignored.
        name_column: Heading of the column of names.
        tag_column: Heading of the column of tags.
        tags: `"planet"` for the 17 tags of the competition, `"table"` for those that occur in the table or are columns
            of it, or a list; of columns of 0 and 1, a list takes those that it names.
        untagged: `"keep"` or `"refuse"` tiles without tags.
        valid_column: Heading of a column that tells the split, and is no tag.
        channels: 3 reads RGB; 4 also reads another band, such as near infrared.
        scale: How tiles of more than 8 bits are read; see `read_rgb`.

    Raises:
        MissingDataError: The folder, the table or a tile does not exist.
        BadSampleError: The table lacks a column, names a tile twice, has a row of another length than its header, a
            tile with an unknown tag, or one without tags if `untagged` is `"refuse"`; or a name fits several files.
        ValueError: A tag that is listed comes twice or holds the delimiter; or `scale` is none.
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
        untagged: Untagged = "keep",
        valid_column: str | None = None,
        channels: Channels = 3,
        scale: Scale | None = None,
    ) -> None:
        root = Path(root)
        self.channels, self.scale = channels, checked_scale(scale)
        self.folder, self.suffix = root / folder, suffix
        if not delimiter:
            raise ValueError("delimiter: expected the text between two tags, got none.")
        form = TagForm(name_column, tag_column, delimiter=delimiter)
        self.table = root / table
        self.tag_table = _read_table(root, table, form, tags, valid_column)
        self.tags = _known_tags(tags, self.tag_table)
        _check_untagged(untagged, self.tag_table)
        self.names = self._in_table(self.tags_of if names is None else names)
        self._paths = TileFiles(root, folder, suffix).find(self.names)

    @property
    def tags_of(self) -> dict[str, list[str]]:
        """The tags of each tile in the table, by its name there."""
        return self.tag_table.tags_of

    @property
    def remarks(self) -> list[str]:
        """What is unusual about table and tiles, each in one line."""
        table, tags_of, other = self.tag_table, self.tags_of, self._of_other_suffix()
        lines = []
        if table.form.tag_column is None:
            unused = f"; no tags are {', '.join(table.unused)}" if table.unused else ""
            lines.append(
                f"{table.path}: {len(table.headings)} columns of 0 and 1 are the tags, and {table.form.name_column!r} "
                f"has the names: {', '.join(table.headings)}{unused}."
            )
        if table.untagged:
            lines.append(
                f"{table.path}: {len(table.untagged)} of {len(tags_of)} tiles are without tags, all their labels 0; "
                f"the first is {table.place(table.untagged[0])}."
            )
        if 0 < len(other) < len(self._paths):
            lines.append(
                f"planet: {len(other)} of {len(self._paths)} tiles do not end in {self.suffix!r}; the first is "
                f"{other[0]}."
            )
        return lines

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Record:
        """Reads one tile.

        Returns:
            `image` uint8 (H, W, channels), RGB first, `labels` float32 (L,), 1 for each tag it has, `path` of the tile.

        Raises:
            BadSampleError: The tile cannot be decoded, or does not have four channels when `channels` is 4.
        """
        return self.with_pixels(index, self.pixels(index))

    @property
    def reading(self) -> dict[str, Any]:
        """What the pixels depend on besides the file; see `PixelRecords`."""
        return {"channels": self.channels, "scale": self.scale}

    def files(self, index: int) -> tuple[Path]:
        """The tile."""
        return (self.path(self.names[index]),)

    def pixels(self, index: int) -> Pixels:
        """The tile; see `__getitem__`."""
        return (READERS[self.channels](self.path(self.names[index]), self.scale),)

    def with_pixels(self, index: int, pixels: Pixels) -> Record:
        """The record of these pixels; see `__getitem__`."""
        name = self.names[index]
        labels = np.array([tag in self.tags_of[name] for tag in self.tags], dtype=np.float32)
        return {"image": pixels[0], "labels": labels, "path": str(self.path(name))}

    @property
    def paths(self) -> list[Path]:
        """Path of each tile."""
        return [self._paths[name] for name in self.names]

    def path(self, name: str) -> Path:
        """Path of the tile `name`."""
        return self._paths[name]

    def column(self, heading: str) -> dict[str, str]:
        """The cells of another column of the table, by the name of the tile.

        Raises:
            BadSampleError: The table has no such column.
        """
        return self.tag_table.column(heading, "valid_column")

    def take(self, names: Sequence[str]) -> "Planet":
        """Some of these tiles, in this order, without reading the table again."""
        some = copy.copy(self)
        some.names = self._in_table(names)
        return some

    def _of_other_suffix(self) -> list[Path]:
        return [path for path in self._paths.values() if not str(path).endswith(self.suffix)]

    def _in_table(self, names: Iterable[str]) -> list[str]:
        unlisted = [name for name in names if name not in self.tags_of]
        if unlisted:
            raise BadSampleError(f"planet: {len(unlisted)} tiles are not in the table; the first is {unlisted[0]!r}.")
        return list(names)


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


def _read_table(root: Path, table: str, form: TagForm, tags: Tags, valid_column: str | None) -> TagTable:
    path = root / table
    expect_folder(root)
    if not root.is_dir():
        raise MissingDataError(
            f"{root}: no such folder; expected {table} and tiles in it (`triptych make-data planet DIR` draws made-up "
            "tiles, `download: true` fetches the course's sample of 1,000)."
        )
    if not path.is_file():
        raise MissingDataError(
            f"{path}: no such file; expected a table with the columns {form.name_column},{form.tag_column}."
        )
    return read_tags(path, form, None if isinstance(tags, str) else tags, [valid_column])


def _known_tags(tags: Tags, table: TagTable) -> list[str]:
    if tags == "table":
        return table.tags
    if isinstance(tags, str) and tags != "planet":
        raise ValueError(f'tags: expected "planet", "table" or a list of tags, got {tags!r}.')
    known = list(PLANET_TAGS if tags == "planet" else tags)
    for tag, count in Counter(known).items():
        if count > 1:
            raise ValueError(f"tags: expected each tag once, got {tag!r} {count} times.")
        if not table.form.fits(tag):
            raise ValueError(
                f"tags: expected tags that do not hold the delimiter {table.form.delimiter!r} or spaces around them, "
                f"got {tag!r}; set delimiter to what separates the tags in {table.path}."
            )
    unknown = [tag for tag in table.tags if tag not in known]
    if unknown:
        raise _unknown_tag(unknown[0], known, table)
    return known


def _unknown_tag(tag: str, known: list[str], table: TagTable) -> BadSampleError:
    tile = next((name for name, tags in table.tags_of.items() if tag in tags), None)
    near = nearest(tag, known)
    similar = f" (similar is {near!r})" if near else ""
    place = "a column is" if tile is None else f"line {table.line_of[tile]}: tile {tile!r} has"
    return BadSampleError(
        f"{table.path}: {place} the unknown tag {tag!r}{similar}; expected {', '.join(known)}, or set "
        'tags: "table" to take the tags of the table.'
    )


def _check_untagged(untagged: Untagged, table: TagTable) -> None:
    if untagged not in get_args(Untagged):
        raise ValueError(f"untagged: expected one of {', '.join(get_args(Untagged))}, got {untagged!r}.")
    if untagged == "refuse" and table.untagged:
        raise BadSampleError(
            f"{table.path}: {len(table.untagged)} tiles have no tags; the first is {table.place(table.untagged[0])}; "
            'tag them, or set untagged: "keep".'
        )
