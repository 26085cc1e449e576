"""Corrected tags: `train-jpg/NAME.EXT` and `train_v2.csv`, as `PlanetDataModule` reads them."""

import json
import re
from pathlib import Path

from triptych.errors import BadSampleError
from triptych.serve.corrections.layout import Layout, Size, parsed_list
from triptych.serve.corrections.table import refuse_unknown, rows_of, with_rows

_WORD = re.compile(r"[\w-]+")


class TagLayout(Layout):
    """The tags of each image in one cell: words with spaces between them, or a list in JSON if a tag is no word."""

    given_dir = "train-jpg"
    index = "train_v2.csv"
    header = ("image_name", "tags")

    @property
    def are_words(self) -> bool:
        """Whether all tags are words, which spaces can separate."""
        return all(map(_WORD.fullmatch, self.manifest.names))

    def check(self, folder: Path) -> None:
        path = folder / self.index
        found = {tag for _, cell in rows_of(path, self.header) for tag in self._tags(cell)}
        refuse_unknown(path, "tags", found, self.manifest.names)

    def label(self, data: bytes, size: Size) -> list[str]:
        tags = parsed_list(data)
        for tag in tags:
            if tag not in self.manifest.names:
                raise BadSampleError(f"label: expected tags of the model, got {str(tag)[:60]!r}.")
        return [tag for tag in self.manifest.names if tag in tags]

    def files(self, folder: Path, stem: str, given: tuple[str, bytes], label: list[str]) -> dict[Path, bytes]:
        (name, content), table = given, folder / self.index
        row = [stem, self._cell(label)]
        return {self.given_path(folder, name): content, table: with_rows(table, self.header, [row])}

    def _cell(self, tags: list[str]) -> str:
        return " ".join(tags) if self.are_words or not tags else json.dumps(tags, ensure_ascii=False)

    def _tags(self, cell: str) -> list[str]:
        return cell.split() if self.are_words or not cell else parsed_list(cell.encode())
