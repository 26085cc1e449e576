"""Reading what may be broken: each error becomes a fault, and the rest is read all the same."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from triptych.doctor.findings import Finding, first_of
from triptych.errors import one_line

Result = TypeVar("Result")


class Attempts:
    """Collects what could not be read.

    Args:
        root: Folder of the data set, below which paths are shown.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._failed: dict[str, dict[str, str]] = defaultdict(dict)

    def __call__(self, kind: str, path: Path, read: Callable[[], Result]) -> Result | None:
        """What `read` returns; None if it raises an error.

        Args:
            kind: Kind of the fault if there is one.
            path: The file or folder whose fault it would be.
            read: Reads it.
        """
        try:
            return read()
        except Exception as error:  # whatever is wrong, the examination goes on
            self.add(kind, path, one_line(error))
            return None

    def add(self, kind: str, path: Path, message: str) -> None:
        """Adds a fault of a file."""
        shown = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        self._failed[kind].setdefault(shown.as_posix(), message.removeprefix(f"{path}: "))

    def faults(self) -> Iterator[Finding]:
        """A finding for each kind of fault."""
        for kind, files in self._failed.items():
            number = f"{len(files)} files; " if len(files) > 1 else ""
            yield Finding("error", kind, f"{number}{first_of(files)}", files=files)
