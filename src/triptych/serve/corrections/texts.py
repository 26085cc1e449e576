"""Corrected categories: `texts/NAME.txt` and `texts.csv`, as `IMDBDataModule` reads the table."""

import json
from pathlib import Path
from typing import Any

from triptych.errors import BadSampleError
from triptych.serve.corrections.layout import Layout
from triptych.serve.corrections.table import refuse_unknown, rows_of, with_rows


class TextLayout(Layout):
    """A row with category and text, to be trained on. A text counts once it has its row."""

    given_dir = "texts"
    index = "texts.csv"
    header = ("label", "text", "is_valid")

    def check(self, folder: Path) -> None:
        path = folder / self.index
        refuse_unknown(path, "categories", {label for label, *_ in rows_of(path, self.header)}, self.manifest.names)

    def label(self, data: bytes, size: Any) -> str:
        try:
            category = json.loads(data)
        except (ValueError, RecursionError):
            category = None
        if category not in self.manifest.names:
            raise BadSampleError(
                f"label: expected one of the categories of the model in JSON, such as {self.manifest.names[0]!r} in "
                f"quotes, got {data[:40].decode('utf-8', 'replace')!r}."
            )
        return str(category)

    def files(self, folder: Path, stem: str, given: tuple[str, bytes], label: str) -> dict[Path, bytes]:
        (name, content), table = given, folder / self.index
        row = [label, content.decode(), False]
        return {self.given_path(folder, name): content, table: with_rows(table, self.header, [row])}
