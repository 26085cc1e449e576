"""Planet for Lightning: a seeded random split, the eight symmetries of the square, and the names of the tags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.datasets.files import read_lines
from triptych.datasets.images import READERS, Channels
from triptych.datasets.planet import SAMPLE_ARCHIVE, Planet, Tags, TilePictures
from triptych.datasets.sample import Records, Sample, Split
from triptych.draw.batch import tag_batch
from triptych.runs.plain_values import plain
from triptych.transforms import Pipeline, planet_pipeline


class PlanetDataModule(TriptychDataModule):
    """Data module for Planet: satellite tiles with their tags.

    Args:
        root: Folder with the table and the tiles.
        image_size: (height, width) in pixels; the lesson's by default.
        batch_size: Tiles per batch, or "auto"; see `TriptychDataModule`.
        valid_fraction: Fraction of the tiles drawn at random for validation, in (0, 1).
        valid_list: File below `root` that lists the validation tiles instead, one per line, named as in the table or by
            file name (with `suffix`).
        table: Name of the CSV file, below `root`; `labels.csv` in the course's sample.
        folder: Folder of the tiles, below `root`; `train` in the course's sample.
        suffix: End of a tile's file name that the table leaves out.
        delimiter: Text between two tags.
        name_column: Heading of the column of names.
        tag_column: Heading of the column of tags.
        tags: `"planet"` for the 17 tags of the competition, `"table"` for those that occur in the table, or a list.
        channels: 3 reads RGB; 4 also reads another band, such as near infrared, from TIFF or PNG. The model
            needs the same `in_channels`.
        loading: Further arguments of `TriptychDataModule`. `download` fetches the course's sample of 1,000 tiles; the
            whole set needs a Kaggle login: `kaggle competitions download planet-understanding-the-amazon-from-space`.

    Source: fast.ai 2019, lesson 3: `ImageList.from_csv(...).split_by_rand_pct(0.2).label_from_df(label_delim=" ")`.
    """

    archive = SAMPLE_ARCHIVE
    target = "labels"

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int] = (128, 128),
        batch_size: int | Literal["auto"] = 64,
        *,
        valid_fraction: float = 0.2,
        valid_list: str | None = None,
        table: str = "train_v2.csv",
        folder: str = "train-jpg",
        suffix: str = ".jpg",
        delimiter: str = " ",
        name_column: str = "image_name",
        tag_column: str = "tags",
        tags: Tags = "planet",
        channels: Channels = 3,
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, **loading)
        if not 0 < valid_fraction < 1:
            raise ValueError(f"valid_fraction: expected a fraction between 0 and 1, got {valid_fraction}.")
        if channels not in READERS:
            raise ValueError(f"channels: expected 3 (RGB) or 4 (RGB and one more), got {channels}.")
        self.channels: Channels = channels
        self.valid_fraction, self.valid_list = valid_fraction, valid_list
        self.layout: dict[str, Any] = {
            "table": table,
            "folder": folder,
            "suffix": suffix,
            "delimiter": delimiter,
            "name_column": name_column,
            "tag_column": tag_column,
            "tags": plain(tags),
            "channels": channels,
            "scale": self.scale,
        }
        self._tiles: Planet | None = None

    @property
    def tiles(self) -> Planet:
        """All tiles of the table, from all splits."""
        if self._tiles is None:
            raise RuntimeError("PlanetDataModule: call setup() first; the table has not been read yet.")
        return self._tiles

    @property
    def metadata(self) -> dict[str, Any]:
        """`in_channels`; and `num_labels` and `tags`, once the table is read."""
        known: dict[str, Any] = {"in_channels": self.channels}
        if self._tiles is not None:
            known |= {"num_labels": len(self._tiles.tags), "tags": self._tiles.tags}
        return known

    def setup(self, stage: str) -> None:
        if stage == "predict" and self.predict_path is not None:
            self.records["predict"] = TilePictures(Path(self.predict_path), self.channels, self.scale)
        else:
            super().setup(stage)

    def train_pipeline(self) -> Pipeline:
        """The lesson's augmentations."""
        return planet_pipeline(self.image_size)

    def draw_batch(self, samples: Sequence[Sample], columns: int) -> Figure:
        return tag_batch(samples, self.tiles.tags, columns)

    def find(self) -> None:
        self._tiles = Planet(self.root, **self.layout)

    def split(self, name: Split) -> Records:
        """The validation tiles, from the list or drawn at random; or, for `"train"`, all others."""
        valid = {*self._valid_names()}
        names = [tile for tile in self.tiles.names if (tile in valid) != (name == "train")]
        if not names:
            raise ValueError(f"planet: no tiles for {name!r} out of {len(self.tiles)}; change the split.")
        return Planet(self.root, names, **self.layout)

    def train_paths(self) -> list[Path]:
        tiles = self.records["train"]
        assert isinstance(tiles, Planet)
        return [tiles.path(name) for name in tiles.names]

    def _valid_names(self) -> list[str]:
        names = self.tiles.names
        if self.valid_list is not None:
            listed = read_lines(self.root / self.valid_list)
            known = self.tiles.tags_of
            listed = [name if name in known else name.removesuffix(self.tiles.suffix) for name in listed]
            unknown = [name for name in listed if name not in known]
            if unknown:
                raise ValueError(
                    f"{self.root / self.valid_list}: expected names of tiles in the table, got {len(unknown)} others; "
                    f"the first is {unknown[0]!r}."
                )
            return listed
        order = np.random.default_rng(self.seed).permutation(len(names))
        return [names[i] for i in order[: round(self.valid_fraction * len(names))]]
