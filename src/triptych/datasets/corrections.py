"""Corrections of a model's answers: samples that are trained on beside the data set's own."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from triptych.datasets.sample import FileRecords, Record, Records
from triptych.errors import MissingDataError
from triptych.exported.folder import file_card
from triptych.files import modified


class NamedRecords(FileRecords, Protocol):
    """Protocol of a data set whose records have names, in the order of their paths."""

    names: list[str]

    def take(self, names: Sequence[str]) -> "NamedRecords":
        """Some of the records, in this order."""


class Corrected:
    """The training samples of a data set, and after them the corrections.

    Args:
        records: The data set's own, without those that a correction replaces.
        corrections: The corrections.
        note: What was left out, in words; empty if nothing was.
    """

    def __init__(self, records: FileRecords, corrections: FileRecords, note: str = "") -> None:
        self.records, self.corrections, self.note = records, corrections, note

    def __len__(self) -> int:
        return len(self.records) + len(self.corrections)

    def __getitem__(self, index: int) -> Record:
        own = len(self.records)
        return self.records[index] if index < own else self.corrections[index - own]

    @property
    def paths(self) -> list[Path]:
        """Path of each image."""
        return [*self.records.paths, *self.corrections.paths]


def added(records: Records) -> str:
    """What corrections add to the training samples, such as ` + 12 corrections`; empty without."""
    if not isinstance(records, Corrected):
        return ""
    count = len(records.corrections)
    return f" + {count} correction{'s' * (count > 1)}" + (f" ({records.note})" if records.note else "")


def parts_of(records: Records) -> list[Records]:
    """The data set's own records, and the corrections if there are some."""
    return [records.records, records.corrections] if isinstance(records, Corrected) else [records]


def expect_corrections(folder: Path, layout: Sequence[str]) -> None:
    """Checks that a folder holds what corrections are read from.

    Args:
        folder: The folder.
        layout: Names of the files and folders in it.

    Raises:
        MissingDataError: One of them does not exist.
    """
    missing = [name for name in layout if not (folder / name).exists()]
    if missing:
        found = f"found no {missing[0]}" if folder.is_dir() else "there is no such folder"
        raise MissingDataError(
            f"corrections: expected {', '.join(layout[:-1])} and {layout[-1]} in {folder}, but {found}; give the "
            "folder of `triptych serve --corrections` once something was saved there, or leave corrections out."
        )


def newest(corrections: NamedRecords) -> NamedRecords:
    """The corrections without those of an image, the same bytes, that was corrected again later.

    Of two that were written at the same time the last one in order stays.
    """
    last: dict[str, str] = {}
    by_time = sorted(zip(corrections.paths, corrections.names, strict=True), key=lambda pair: modified(pair[0]))
    for path, name in by_time:
        last[file_card(path).sha256] = name
    kept = {*last.values()}
    return corrections.take([name for name in corrections.names if name in kept])


def same_bytes(files: Sequence[Path], others: Iterable[Path]) -> dict[Path, Path]:
    """Those of the other files that hold the same bytes as one of the files, each with that file.

    Only files of the same size are read.
    """
    sizes = {file.stat().st_size for file in files}
    file_of = {file_card(file).sha256: file for file in files}
    digests = ((other, file_card(other).sha256) for other in others if other.stat().st_size in sizes)
    return {other: file_of[digest] for other, digest in digests if digest in file_of}
