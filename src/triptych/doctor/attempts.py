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

    def __call__(self, kind: str, path: Path | None, read: Callable[[], Result]) -> Result | None:
        """What `read` returns; None if it raises an error.

        Args:
            kind: Kind of the fault if there is one.
            path: The file or folder whose fault it would be; None if it would be that of an argument.
            read: Reads it.
        """
        try:
            return read()
        except Exception as error:  # whatever is wrong, the examination goes on
            self.add(kind, path, one_line(error))
            return None

    def add(self, kind: str, path: Path | None, message: str) -> None:
        """Adds a fault; see `__call__`."""
        if path is None:
            self._failed[kind][""] = message
            return
        is_below = path != self.root and path.is_relative_to(self.root)
        shown = path.relative_to(self.root) if is_below else path
        self._failed[kind].setdefault(shown.as_posix(), message.removeprefix(f"{path}: "))

    def faults(self) -> Iterator[Finding]:
        """A finding for each kind of fault."""
        for kind, failed in self._failed.items():
            files = {path: why for path, why in failed.items() if path}
            number = f"{len(files)} files; " if len(files) > 1 else ""
            yield Finding("error", kind, failed.get("") or f"{number}{first_of(files)}", files=files)
