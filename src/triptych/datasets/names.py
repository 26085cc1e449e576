"""Names of samples, and the lists of them that users write.

The name of a sample is the POSIX path of its file below the folder of the images, such as `bonn/x.png`.
"""

import difflib
import os
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from triptych.datasets.text import bare, read_text, split_lines
from triptych.errors import BadSampleError

_ABSOLUTE = re.compile(r"/|[A-Za-z]:/")
_NUM_NEAREST = 3


class SampleNames:
    """The names of samples, which are found in any usual spelling.

    A spelling is a name; or a path relative to the folder of the images, to `root` or to the list's own folder; or an
    absolute path. Quotes may be around it, and commas at its end. Unicode may be composed or not, separators may be
    those of Windows, the suffix may be missing or of another case, and the folder of a file whose name is unique too.
    An absolute path of another machine, or of the place where the folder was before, counts from the last folder that
    is named like the folder of the images.

    Args:
        names: The names, in the order of the samples.
        folder: Folder of the images.
        root: Folder of the data set.
        aliases: Further spellings of a name, such as the one in a table.
        noun: What a sample is called, such as `frame`.
    """

    def __init__(
        self,
        names: Iterable[str],
        folder: Path,
        root: Path,
        *,
        aliases: Mapping[str, str] | None = None,
        noun: str = "sample",
    ) -> None:
        self.names, self.noun = list(names), noun
        self.folder, self.root = absolute(folder), absolute(root)
        self._real_folder = _posix(os.path.realpath(folder))
        self._exact = {**(aliases or {}), **{name: name for name in self.names}}
        self._index = _spellings(self._exact)
        self._real: dict[str, str] = {}

    def read_list(self, path: Path) -> list[str]:
        """The names that a list names, one per line, in its order, each once.

        Raises:
            MissingDataError: The list does not exist.
            BadSampleError: It is not UTF-8, or a line names no sample, or may name several.
        """
        lines = enumerate(split_lines(read_text(path, "one name per line")), start=1)
        numbered = [(number, line) for number, line in lines if line]
        bases = [self.folder, self.root, absolute(path.parent)]
        found: dict[str, None] = {}
        unknown: list[tuple[int, str]] = []
        for number, line in numbered:
            names = self.find(line, bases)
            if len(names) > 1:
                raise BadSampleError(
                    f"{path}: expected the name of one {self.noun} in line {number}, but {line!r} may be {names[0]} or "
                    f"{names[1]}; write it in full."
                )
            if names:
                found[names[0]] = None
            else:
                unknown.append((number, line))
        if unknown:
            number, line = unknown[0]
            raise BadSampleError(
                f"{path}: {len(unknown)} of {len(numbered)} lines name no {self.noun}; the first is {line!r} in line "
                f"{number}{self._hint(line, bases)}."
            )
        return list(found)

    def find(self, written: str, bases: Iterable[str]) -> list[str]:
        """The names that a spelling may stand for.

        Args:
            written: See the class.
            bases: Absolute paths of the folders that a relative path may be relative to.
        """
        if written in self._exact:
            return [self._exact[written]]
        path = bare(written).replace("\\", "/")
        for below in self._below(path, bases):
            if found := self._index.get(spelling(below)):
                return found
        return self._index.get(f"/{spelling(path)}", []) if "/" not in path else []

    def _below(self, path: str, bases: Iterable[str]) -> Iterator[str]:
        """A path as one below the folder of the images, for each folder that it may be relative to."""
        absolute = _ABSOLUTE.match(path)
        for base in bases:
            whole = posixpath.normpath(path if absolute else f"{base}/{path}")
            for folder in (self.folder, self._real_folder):
                if whole.startswith(f"{folder}/"):
                    yield whole[len(folder) + 1 :]
            parent, _, file = whole.rpartition("/")
            if f"{self._real_path(parent)}/".startswith(f"{self._real_folder}/"):
                yield f"{self._real_path(parent)}/{file}"[len(self._real_folder) + 1 :]
        _, is_moved, below = path.rpartition(f"/{posixpath.basename(self.folder)}/")
        if absolute and is_moved:
            yield below

    def _real_path(self, folder: str) -> str:
        if folder not in self._real:
            self._real[folder] = _posix(os.path.realpath(folder))
        return self._real[folder]

    def nearest(self, spelling: str, bases: Iterable[str]) -> list[str]:
        """The names that are most like a spelling, for an error; see `find`."""
        path = spelling.replace("\\", "/")
        file = path.rpartition("/")[2]
        *_, below = file, *self._below(path, bases)
        near = difflib.get_close_matches(below, self.names, _NUM_NEAREST)
        return near or difflib.get_close_matches(file, self.names, _NUM_NEAREST)

    def _hint(self, line: str, bases: Iterable[str]) -> str:
        if near := self.nearest(line, bases):
            return f" (the nearest: {', '.join(near)}); correct the list, one name per line"
        if not self.names:
            return f"; there are no {self.noun}s"
        return f"; expected names such as {self.names[0]}, one per line"


def names_below(folder: Path, paths: Iterable[Path]) -> list[str]:
    """POSIX paths of files relative to a folder, below which most of them are; the whole path of one that is not."""
    start, whole = f"{folder}{os.sep}", f"{absolute(folder)}/"
    return [
        _posix(text[len(start) :]) if text.startswith(start) else absolute(Path(text)).removeprefix(whole)
        for text in map(str, paths)
    ]


def _spellings(exact: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of each spelling below the folder; a slash goes before that of a file alone.

    A spelling with a suffix goes before one without.
    """
    with_suffix: dict[str, dict[str, None]] = {}
    without: dict[str, dict[str, None]] = {}
    for written, name in exact.items():
        key = spelling(written)
        file = f"/{key.rpartition('/')[2]}"
        for one in (key, file):
            with_suffix.setdefault(one, {})[name] = None
            without.setdefault(spelling(posixpath.splitext(one)[0]), {})[name] = None
    return {key: list(names) for key, names in (without | with_suffix).items()}


def spelling(name: str) -> str:
    """A name with composed Unicode and a suffix of lower case."""
    stem, suffix = posixpath.splitext(name if name.isascii() else unicodedata.normalize("NFC", name))
    return stem + suffix.lower()


def absolute(path: Path) -> str:
    """A POSIX path from the root on, without following links."""
    return posixpath.normpath(path.absolute().as_posix())


def _posix(path: str) -> str:
    return path.replace(os.sep, "/")
