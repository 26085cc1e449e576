"""`label_name`: the name of a frame's mask, from `{stem}` and `{suffix}` of the frame.

`{stem:-_sat}` is the stem without the ending `_sat`, for frames such as `1_sat.jpg` with masks such as `1_mask.png`.
"""

import posixpath
import re
import string
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from triptych.datasets.files import IMAGE_SUFFIXES, list_files

_TAKES = "label_name takes {stem} and {suffix}"
_TRIED = 20
"""Number of frames whose masks are looked for under other names."""
_ENDING = re.compile(r"_\w*[A-Za-z]\w*")
"""An ending that frames may have and masks not: a word, not a number."""
_LIKELY = re.compile("mask|label|ids", re.IGNORECASE)
"""Words for masks of classes, where there are others too, such as of instances or for looking at."""


class _Stem(str):
    """A stem, which a format such as `-_sat` takes an ending off."""

    def __format__(self, ending: str) -> str:
        return self.removesuffix(ending[1:])


def checked_label_name(label_name: str) -> str:
    """The argument, if it can be filled in.

    Raises:
        ValueError: It is no text, a brace is missing, a placeholder is unknown, or `{stem}` does not occur.
    """
    try:
        parts = list(string.Formatter().parse(label_name))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{_TAKES}, got {label_name!r} ({error}); write it like {{stem}}_P{{suffix}}.") from error
    placeholders = [
        "".join((name, "!" if how else "", how or "", ":" if form else "", form or ""))
        for _, name, form, how in parts
        if name is not None
    ]
    stems = [one for one in placeholders if one == "stem" or one.startswith("stem:-")]
    unknown = [f"{{{one}}}" for one in placeholders if one not in (*stems, "suffix")]
    if unknown or not stems:
        got = unknown[0] if unknown else "one name for all frames"
        raise ValueError(f"{_TAKES}, got {got} in {label_name!r}; write it like {{stem}}_P{{suffix}}.")
    return label_name


def fitting_label_name(
    frames: Sequence[str], without_mask: Sequence[str], label_dir: Path, in_one_folder: bool = False
) -> str | None:
    """The `label_name` under which the most frames have a mask; None if the present one finds as many.

    Args:
        frames: Names of all frames, POSIX paths.
        without_mask: Those whose mask is not found.
        label_dir: Folder of the masks.
        in_one_folder: Whether it is that of the frames too, of which none is its own mask.
    """
    files = set(filter(is_mask_file, list_files(label_dir)))
    found = {name: 0 for frame in without_mask[:_TRIED] for name in _names_for(PurePosixPath(frame), files)}
    for name in found:
        masks = [(frame, mask_name(frame, name)) for frame in frames]
        found[name] = sum(mask in files and not (in_one_folder and mask == frame) for frame, mask in masks)
    best = max(found, key=lambda name: (found[name], *_preference(name)), default=None)
    return best if best is not None and found[best] > len(frames) - len(without_mask) else None


def is_mask_file(name: str) -> bool:
    """Whether a file may be a mask, by its suffix."""
    return posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES | {".gif"}


def mask_name(frame: str, label_name: str) -> str:
    """Name of a frame's mask, in the same subfolder; both are POSIX paths."""
    folder, file = posixpath.split(frame)
    stem, suffix = posixpath.splitext(file)
    return posixpath.join(folder, label_name.format(stem=_Stem(stem), suffix=suffix))


def _names_for(frame: PurePosixPath, files: set[str]) -> Iterator[str]:
    """Each `label_name` that gives the frame one of the files."""
    for file in map(PurePosixPath, files):
        if file.parent != frame.parent:
            continue
        if frame.stem in file.name:
            before, _, after = (_literal(part) for part in file.name.partition(frame.stem))
            yield f"{before}{{stem}}{after}"
            if frame.suffix and frame.suffix in after:
                yield f"{before}{{stem}}{after.replace(frame.suffix, '{suffix}', 1)}"
        same = [*(a == b for a, b in zip(frame.stem, file.stem, strict=False)), False].index(False)
        at = frame.stem.rfind("_", 0, same)
        if at > 0 and (ending := _ENDING.fullmatch(frame.stem, at)):
            yield f"{{stem:-{ending[0]}}}{_literal(file.name[at:])}"


def _preference(label_name: str) -> tuple[bool, int, int]:
    return "{suffix}" not in label_name, len({word.lower() for word in _LIKELY.findall(label_name)}), -len(label_name)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
