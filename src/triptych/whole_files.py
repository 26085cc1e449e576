"""Writing files whole or not at all."""

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


def save_whole(path: Path, save: Callable[[Path], object]) -> None:
    """Lets `save` write under another name first, so that what has its name is whole."""
    half = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        save(half)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def save_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file, whole or not at all."""

    def save(half: Path) -> None:
        with half.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])

    save_whole(path, save)
