"""The class names of `codes.txt`: the number of a line, counted from 0, is the id of its class."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from triptych.datasets.text import bare, read_text, split_lines
from triptych.errors import BadSampleError

_NUMBERED = re.compile(r"(\d+)(?:\s*[:;,=|]|\.(?=\s)|(?=\s))\s*(\D.*)")
"""A name after its id, such as `0 background`, `1: road` or `2,car`."""
_COMMENTS = ("#", "//", ";", "%")
_HEADINGS = ("name", "names", "class", "classes", "class name", "class_name", "label", "labels")
_LABELME_VOID = "__ignore__"  # in the first line of Labelme's labels.txt, whose ids begin with -1
_COLORED = re.compile(r"(?:\d+[ \t,]+){3}\D.*|[^:]+:\d+,\d+,\d+:.*")  # of CamVid's label_colors.txt, of CVAT
_REMOVE = "remove the line, or name the id there (such as unused_{0})"
_VOID_ID = 255


def read_codes(path: Path) -> list[str]:
    """The class names of a file, in the order of their ids.

    Blank lines at the end are passed over; so are quotes, commas at the ends of lines, and ids before the names if they
    are those of the lines. Anything else that is not a name would move the ids after it.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It names no class, or one twice, or not one in each line; or it gives a name another id.
    """
    names = [bare(line) for line in split_lines(read_text(path, "one class name per line, in order of id"))]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise BadSampleError(f"{path}: expected one class name per line, in order of id, got an empty file.")
    if len(names) == 1:
        raise BadSampleError(
            f"{path}: expected at least two class names, one per line, in order of id, got {names[0]!r} alone; name "
            "the background too."
        )
    is_numbered = 2 * sum(_NUMBERED.fullmatch(name) is not None for name in names) > len(names)
    for class_id, name in enumerate(names):
        if (problem := _no_name(name, class_id, is_numbered)) is not None:
            what, to_do = problem
            raise BadSampleError(
                f"{path}: expected the name of class {class_id} in line {class_id + 1}, since the number of a line is "
                f"the id, got {what}; {to_do.format(class_id)}."
            )
    if is_numbered:
        names = [_NUMBERED.sub(r"\2", name) for name in names]
    _refuse_twice(names, path)
    return names


def _no_name(name: str, class_id: int, is_numbered: bool) -> tuple[str, str] | None:
    """What stands in the place of a name, and what to do about it; None if it is a name."""
    if not name:
        return "a blank line", _REMOVE
    if name.startswith(_COMMENTS):
        return f"the comment {name!r}", _REMOVE
    if name == _LABELME_VOID:
        return f"{name!r}, to which Labelme gives no id", "remove the line"
    if class_id == 0 and name.lower() in _HEADINGS:
        return f"the heading {name!r}", "remove the line"
    if _COLORED.fullmatch(name):
        return f"a colour too, {name!r}", "write the names alone"
    if not is_numbered:
        return None
    number = _NUMBERED.fullmatch(name)
    if number is None:
        return f"{name!r} without the id that the other lines have", _REMOVE
    if int(number[1]) == _VOID_ID != class_id:
        return repr(name), f"remove the line, since {_VOID_ID} is void in any case"
    if int(number[1]) != class_id:
        return repr(name), "sort the lines by id, from 0, with Void or a name such as unused_{0} for an id without one"
    return None


def _refuse_twice(names: Sequence[str], path: Path) -> None:
    lines: dict[str, int] = {}
    for line, name in enumerate(names, start=1):
        first = lines.setdefault(unicodedata.normalize("NFC", name).casefold(), line)
        if first != line:
            raise BadSampleError(
                f"{path}: expected each class once, got {names[first - 1]!r} in line {first} and {name!r} in line "
                f"{line}; rename one, or remove it if no mask holds its id."
            )
