"""The files of the tiles that a table names."""

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from triptych.datasets.files import IMAGE_SUFFIXES
from triptych.datasets.folders import expect_folder, is_passed_over
from triptych.datasets.table import nearest
from triptych.errors import BadSampleError, MissingDataError


class TileFiles:
    """Finds the file of each tile. Each folder is listed once.

    A name may have its suffix or not, and subfolders; it may begin with `folder`. Upper and lower case of the suffix do
    not matter. A file whose suffix is another one is taken if it is the only image of that name.

    Args:
        root: Folder of the data set.
        folder: Folder of the tiles, below `root`.
        suffix: End of a file's name that the names leave out.
    """

    def __init__(self, root: Path, folder: str, suffix: str) -> None:
        self.root, self.folder, self.suffix = root, root / folder, suffix
        self._listings: dict[Path, _Listing] = {}
        self._places: dict[tuple[Path, str], list[_Listing]] = {}

    def expected(self, name: str) -> Path:
        """Where a tile should be."""
        return self.folder / (name if _is_image(name) else f"{name}{self.suffix}")

    def find(self, names: Sequence[str]) -> dict[str, Path]:
        """Path of each tile by its name.

        Raises:
            MissingDataError: A tile does not exist.
            BadSampleError: A name fits several files, or two names one file.
        """
        found = {name: self._candidates(self.folder, name) for name in names}
        missing = [name for name, paths in found.items() if not paths]
        if missing:
            expect_folder(self.folder)
            raise MissingDataError(
                f"planet: {len(missing)} of {len(names)} tiles do not exist; the first is {self.expected(missing[0])}; "
                f"{self._advice(missing[0], len(missing) == len(names))}."
            )
        several = [name for name, paths in found.items() if len(paths) > 1]
        if several:
            raise BadSampleError(
                f"planet: {len(several)} of {len(names)} tiles have several files; the first is {several[0]!r}: "
                f"{' and '.join(map(str, found[several[0]]))}; set suffix to that of the tiles, or write it into the "
                "table."
            )
        _check_distinct(found)
        return {name: paths[0] for name, paths in found.items()}

    def _candidates(self, folder: Path, name: str) -> list[Path]:
        """The files that a name may mean if the tiles lie in `folder`."""
        name, suffix = (name, self.suffix) if "/" not in self.suffix else (name + self.suffix, "")
        parent, _, file = name.replace("\\", "/").rpartition("/")
        for place in self._places_of(folder, parent):
            if files := place.find(file, suffix):
                return [place.folder / one for one in files]
        return []

    def _places_of(self, folder: Path, parent: str) -> list["_Listing"]:
        """Where names with the subfolders `parent` are looked for: below `folder`, then below the root."""
        if (folder, parent) not in self._places:
            folders = dict.fromkeys([folder / parent, self.root / parent if parent else folder])
            self._places[folder, parent] = [self._listing(one) for one in folders]
        return self._places[folder, parent]

    def _listing(self, folder: Path) -> "_Listing":
        if folder not in self._listings:
            self._listings[folder] = _Listing(folder)
        return self._listings[folder]

    def _advice(self, name: str, all_missing: bool) -> str:
        """What to set, so that a tile that was not found is; or where it is, if others were found."""
        folders = _subfolders(self.root)
        for other in [*folders, self.root]:
            if self._candidates(other, name):
                set_folder = f"set folder to {other.relative_to(self.root).as_posix()!r}, where it is"
                return set_folder if all_missing else f"it is in {other}"
        if not self.folder.is_dir():
            names = ", ".join(one.name for one in folders) or "none"
            return f"there is no such folder; set folder to that of the tiles, out of {names}"
        for inner in _subfolders(self.folder):
            if self._candidates(inner, name):
                return f"it is in {inner}; write the subfolder into the table, as in {inner.name}/{name}"
        file = name.replace("\\", "/").rpartition("/")[2]
        if file != name and self._candidates(self.folder, file):
            return f"{file} is in {self.folder}; write the names into the table without those folders"
        return self._listing((self.folder / name).parent).advice(file, all_missing)


class _Listing:
    """The files in a folder, without hidden ones; `files` are their names, by their form in NFC."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries if not is_passed_over(entry.name) and entry.is_file()]
        except (FileNotFoundError, NotADirectoryError):
            names = []
        self.files = {_nfc(name): name for name in names}

    def find(self, name: str, suffix: str) -> list[str]:
        """The files that a name may mean."""
        name = _nfc(name)
        keys = [name + suffix, name] if _is_image(name) else [name + suffix]
        for key in keys:
            if key in self.files:
                return [self.files[key]]
        for key in keys:
            if found := self._by_folded.get(_folded(key)):
                return found
        return self._images_by_stem.get(_stem(name), [])

    def advice(self, name: str, all_missing: bool) -> str:
        """What to set, so that a file is found by its name; or what is there instead."""
        longer = min((file for file in self.files if file.startswith(name)), key=len, default=None)
        if all_missing and longer is not None:
            return f"set suffix to {longer.removeprefix(name)!r} if {longer} is meant"
        if not self.files:
            return "the folder holds no files"
        stems = {_stem(file): file for file in self.files}
        near = nearest(_stem(name), [*stems])
        if near and (all_missing or near.casefold() == _stem(name).casefold()):
            return f"correct the table if {stems[near]} is meant, or remove the row"
        counts = Counter(Path(file).suffix or "without suffix" for file in self.files)
        held = ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common(3))
        to_do = "" if all_missing else "; copy it there, or remove its row"
        return f"the folder holds {held}, such as {min(self.files)}{to_do}"

    @cached_property
    def _by_folded(self) -> dict[str, list[str]]:
        return _grouped(self.files, _folded)

    @cached_property
    def _images_by_stem(self) -> dict[str, list[str]]:
        return _grouped({key: file for key, file in self.files.items() if _is_image(key)}, _stem)


def _check_distinct(found: Mapping[str, Sequence[Path]]) -> None:
    name_of: dict[Path, str] = {}
    for name, (path, *_) in found.items():
        if name_of.setdefault(path, name) != name:
            raise BadSampleError(f"planet: expected each tile once, got {name_of[path]!r} and {name!r}, both {path}.")


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_passed_over(path.name))


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _parts(name: str) -> tuple[str, str]:
    """What is before the suffix of a file's name, and the suffix in lower case."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix.lower()) if stem else (name, "")


def _folded(name: str) -> str:
    return "".join(_parts(name))


def _is_image(name: str) -> bool:
    return _parts(name)[1] in IMAGE_SUFFIXES


def _stem(name: str) -> str:
    """The name without the suffix of an image."""
    stem, suffix = _parts(name)
    return stem if suffix in IMAGE_SUFFIXES else name


def _grouped(files: Mapping[str, str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, file in files.items():
        groups[key(name)].append(file)
    return {one: sorted(group) for one, group in groups.items()}
