"""What stands where a folder of data is expected."""

from pathlib import Path

from triptych.errors import BadSampleError, MissingDataError
from triptych.images.content import START_BYTES, archive_kind

_ARCHIVE_SUFFIXES = (".zip", ".tgz", ".tar.gz", ".tar", ".7z", ".rar")
_LEFT_BY_SYSTEMS = frozenset({"__MACOSX", "Thumbs.db", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})
_LISTED = 10


def is_passed_over(name: str) -> bool:
    """Whether a file or folder is none of the user's: hidden, or left by macOS, Windows or a disk of Synology's."""
    return name.startswith(".") or name in _LEFT_BY_SYSTEMS


def expect_folder(path: Path) -> None:
    """Raises an error if a file stands where a folder is expected, or its archive beside it.

    Raises:
        BadSampleError: `path` is a file.
        MissingDataError: `path` does not exist, but an archive of that name does.
    """
    expect_no_archive(path)
    if path.is_file():
        raise BadSampleError(f"{path}: expected a folder, got a file; give the folder that it is in.")


def missing_folder(folder: Path, root: Path, argument: str, content: str) -> str:
    """The message that a folder does not exist, and which folders below `root` the argument may name instead.

    Raises:
        MissingDataError: An archive of that name does exist.
    """
    expect_folder(folder)
    text = f"{folder}: no such folder; expected {content} in it"
    if not root.is_dir():
        return f"{text}."
    others = sorted(path.name for path in root.iterdir() if path.is_dir() and not is_passed_over(path.name))
    return f"{text}; {root} has {', '.join(others[:_LISTED]) or 'no folders'}; set {argument}."


def expect_no_archive(path: Path) -> None:
    """Raises an error if `path` is an archive, or does not exist while an archive of that name does.

    Raises:
        BadSampleError: `path` is an archive.
        MissingDataError: Only the archive beside `path` exists.
    """
    if path.is_file():
        with path.open("rb") as file:
            kind = archive_kind(file.read(START_BYTES))
        if kind is not None:
            raise BadSampleError(f"{path}: expected a folder, got an archive ({kind}); unpack it and give the folder.")
    elif not path.exists():
        archives = [path.with_name(path.name + suffix) for suffix in _ARCHIVE_SUFFIXES]
        for archive in archives:
            if archive.is_file():
                raise MissingDataError(f"{path}: no such folder; unpack {archive.name}, which is beside it.")
