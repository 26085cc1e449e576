"""Writing files atomically: a reader finds a complete file or none."""

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


def atomic_save(path: Path, save: Callable[[Path], object]) -> None:
    """Writes atomically: to a temporary file that then replaces `path`.

    Args:
        path: The file.
        save: Called with the path of the temporary file; writes the content to it.
    """
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        save(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def save_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file atomically."""

    def save(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])

    atomic_save(path, save)
