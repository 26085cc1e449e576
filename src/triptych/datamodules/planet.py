"""Planet for Lightning: a seeded random split, the eight symmetries of the square, and the names of the tags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from lightning.pytorch.utilities import rank_zero_info
from matplotlib.figure import Figure

from triptych.datamodules.split import HeldOut, by_values
from triptych.datamodules.split_module import SplitDataModule
from triptych.datasets.names import SampleNames, names_below
from triptych.datasets.pictures import base_folder
from triptych.datasets.planet import SAMPLE_ARCHIVE, Planet, Tags, TilePictures, Untagged
from triptych.datasets.sample import Sample
from triptych.datasets.tag_table import TagForm
from triptych.draw.batch import tag_batch
from triptych.images import READERS, Channels
from triptych.runs.plain_values import plain
from triptych.transforms import Pipeline, planet_pipeline


class PlanetDataModule(SplitDataModule):
    """Data module for Planet: satellite tiles with their tags.

    Args:
        root: Folder with the table and the tiles.
        image_size: (height, width) in pixels; the lesson's by default.
        batch_size: Tiles per batch, or "auto"; see `TriptychDataModule`.
        valid_fraction: Fraction of the tiles drawn at random for validation, in (0, 1). See `SplitDataModule` for other
            ways to split, which replace the default; a tile in a list is named as in the table or by its file.
        valid_column: Column of the table that splits instead: true or false, 1 or 0, yes or no (true validates), or
            train, valid or test.
        table: Name of the table, below `root`; `labels.csv` in the course's sample. Its columns are separated by
            commas, semicolons, tabs or vertical bars.
        folder: Folder of the tiles, below `root`; `train` in the course's sample.
        suffix: End of a tile's file name that the table leaves out; a name with its suffix is found too, and so is the
            only image of a name in another format.
        delimiter: Text between two tags.
        name_column: Heading of the column of names.
        tag_column: Heading of the column of tags; in a table without it each other column of 0 and 1 is a tag.
        tags: `"planet"` for the 17 tags of the competition, `"table"` for those that occur in the table or are columns
            of it, or a list; of columns of 0 and 1, a list takes those that it names.
        untagged: `"keep"` takes tiles without tags as samples whose labels are all 0, `"refuse"` reports them.
        channels: 3 reads RGB; 4 also reads another band, such as near infrared, from TIFF or PNG. The model needs the
            same `in_channels`.
        loading: Further arguments of `SplitDataModule`. `download` fetches the course's sample of 1,000 tiles; the
            whole set needs a Kaggle login: `kaggle competitions download planet-understanding-the-amazon-from-space`.

    Source: fast.ai 2019, lesson 3: `ImageList.from_csv(...).split_by_rand_pct(0.2).label_from_df(label_delim=" ")`.
    """

    archive = SAMPLE_ARCHIVE
    target = "labels"
    data_set, noun = "planet", "tile"
    lesson: ClassVar = {"valid_fraction": 0.2}
    corrections_layout = ("train-jpg", "train_v2.csv")

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int] = (128, 128),
        batch_size: int | Literal["auto"] = 64,
        *,
        valid_fraction: float = 0.2,
        valid_column: str | None = None,
        table: str = "train_v2.csv",
        folder: str = "train-jpg",
        suffix: str = ".jpg",
        delimiter: str = " ",
        name_column: str = "image_name",
        tag_column: str = "tags",
        tags: Tags = "planet",
        untagged: Untagged = "keep",
        channels: Channels = 3,
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, valid_fraction=valid_fraction, **loading)
        if channels not in READERS:
            raise ValueError(f"channels: expected 3 (RGB) or 4 (RGB and one more), got {channels}.")
        self.channels: Channels = channels
        self.valid_column = valid_column
        self.layout: dict[str, Any] = {
            "table": table,
            "folder": folder,
            "suffix": suffix,
            "delimiter": delimiter,
            "name_column": name_column,
            "tag_column": tag_column,
            "tags": plain(tags),
            "untagged": untagged,
            "valid_column": valid_column,
            "channels": channels,
            "scale": self.scale,
        }
        self._tiles: Planet | None = None
        _ = self.way  # refuses two

    @property
    def tiles(self) -> Planet:
        """All tiles of the table, from all splits."""
        if self._tiles is None:
            raise RuntimeError("PlanetDataModule: call setup() first; the table has not been read yet.")
        return self._tiles

    @property
    def form(self) -> TagForm:
        """How the table is written; before it is read, as the arguments say."""
        if self._tiles is not None:
            return self._tiles.tag_table.form
        layout = self.layout
        return TagForm(layout["name_column"], layout["tag_column"], delimiter=layout["delimiter"])

    def names_of(self, paths: Sequence[str]) -> list[str]:
        """Names of images, all different: of tiles those in the table, of others the paths below `predict_path`.

        `suffix` is left out of a path, as the table leaves it out.
        """
        if self.predict_path is None:
            name_of = {str(self.tiles.path(name)): name for name in self.tiles.names}
            return [name_of.get(path, path) for path in paths]
        below = names_below(base_folder(Path(self.predict_path)), map(Path, paths))
        names = [name.removesuffix(self.layout["suffix"]) for name in below]
        return names if len({*names}) == len(names) else below

    @property
    def metadata(self) -> dict[str, Any]:
        """`in_channels`; and `num_labels` and `tags`, once the table is read."""
        known: dict[str, Any] = {"in_channels": self.channels}
        if self._tiles is not None:
            known |= {"num_labels": len(self._tiles.tags), "tags": self._tiles.tags}
        return known

    def pictures(self, path: Path) -> TilePictures:
        return TilePictures(path, self.channels, self.scale)

    def train_pipeline(self) -> Pipeline:
        """The lesson's augmentations."""
        return planet_pipeline(self.image_size)

    def draw_batch(self, samples: Sequence[Sample], columns: int) -> Figure:
        return tag_batch(samples, self.tiles.tags, columns)

    def find(self) -> None:
        tiles = self._tiles = Planet(self.root, **self.layout)
        for line in tiles.remarks:
            rank_zero_info(line)
        files = names_below(tiles.folder, map(tiles.path, tiles.names))
        self._tile_of = dict(zip(files, tiles.names, strict=True))
        aliases = {tile: file for file, tile in self._tile_of.items()}
        self._names = SampleNames(files, tiles.folder, self.root, aliases=aliases, noun=self.noun)

    @property
    def ways(self) -> dict[str, Any]:
        return {**super().ways, "valid_column": self.valid_column}

    @property
    def sources(self) -> list[Path]:
        return [*super().sources, *(self.root / self.layout[name] for name in ("table", "folder"))]

    def by_valid_column(self, names: Sequence[str]) -> HeldOut:
        """Holds out what the column of the table says; see `by_valid_list`."""
        assert self.valid_column is not None
        values = self.tiles.column(self.valid_column)
        return by_values({name: values[self._tile_of[name]] for name in names}, self.valid_column, self.tiles.table)

    def take(self, names: Sequence[str]) -> Planet:
        """Tiles by their names, in the order of the table."""
        wanted = frozenset(names)
        return self.tiles.take([tile for name, tile in self._tile_of.items() if name in wanted])

    def read_corrections(self, folder: Path) -> Planet:
        """Tiles of `train_v2.csv` in `train-jpg`, with the tags of the data.

        Tags are separated by spaces; if one holds a space, by the first of comma, semicolon and bar that none holds.
        """
        tags = self.tiles.tags
        delimiter = TagForm().for_tags(tags).delimiter
        return Planet(folder, tags=tags, delimiter=delimiter, channels=self.channels, scale=self.scale)
