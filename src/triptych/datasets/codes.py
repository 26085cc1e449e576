"""The class names of `codes.txt`: the number of a line, counted from 0, is the id of its class."""

import unicodedata
from pathlib import Path

from triptych.datasets.text import read_text, split_lines
from triptych.errors import BadSampleError


def read_codes(path: Path) -> list[str]:
    """The class names of a file, in the order of their ids.

    Blank lines at the end are passed over. Anything else that is not a name would move the ids after it.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It names no class, or one twice, or has a blank line or a comment between the names.
    """
    names = split_lines(read_text(path, "one class name per line, in order of id"))
    while names and not names[-1]:
        names.pop()
    if not names:
        raise BadSampleError(f"{path}: expected one class name per line, in order of id, got an empty file.")
    lines: dict[str, int] = {}
    for line, name in enumerate(names, start=1):
        if not name or name.startswith("#"):
            what = f"the comment {name!r}" if name else "a blank line"
            raise BadSampleError(
                f"{path}: expected the name of class {line - 1} in line {line}, since the number of a line is the id, "
                f"got {what}; remove the line, or name the id there (such as unused_{line - 1})."
            )
        first = lines.setdefault(unicodedata.normalize("NFC", name).casefold(), line)
        if first != line:
            raise BadSampleError(
                f"{path}: expected each class once, got {names[first - 1]!r} in line {first} and {name!r} in line "
                f"{line}; rename one, or remove it if no mask holds its id."
            )
    return names
