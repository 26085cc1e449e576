"""`label_name`: the name of a frame's mask, from `{stem}` and `{suffix}` of the frame."""

import posixpath
import string
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

_TAKES = "label_name takes {stem} and {suffix}"
_TRIED = 20
"""Number of frames whose masks are looked for under other names."""


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
    unknown = [f"{{{one}}}" for one in placeholders if one not in ("stem", "suffix")]
    if unknown or "stem" not in placeholders:
        got = unknown[0] if unknown else "one name for all frames"
        raise ValueError(f"{_TAKES}, got {got} in {label_name!r}; write it like {{stem}}_P{{suffix}}.")
    return label_name


def fitting_label_name(frames: Sequence[str], without_mask: Sequence[str], label_dir: Path) -> str | None:
    """The `label_name` under which the most frames have a mask; None if the present one finds as many.

    Args:
        frames: Names of all frames, POSIX paths.
        without_mask: Those whose mask is not found.
        label_dir: Folder of the masks.
    """
    files = {path.relative_to(label_dir).as_posix() for path in label_dir.rglob("*") if path.is_file()}
    found = {name: 0 for frame in without_mask[:_TRIED] for name in _names_for(PurePosixPath(frame), files)}
    for name in found:
        found[name] = sum(mask_name(frame, name) in files for frame in frames)
    best = max(found, key=lambda name: (found[name], "{suffix}" not in name), default=None)
    return best if best is not None and found[best] > len(frames) - len(without_mask) else None


def mask_name(frame: str, label_name: str) -> str:
    """Name of a frame's mask, in the same subfolder; both are POSIX paths."""
    folder, file = posixpath.split(frame)
    stem, suffix = posixpath.splitext(file)
    return posixpath.join(folder, label_name.format(stem=stem, suffix=suffix))


def _names_for(frame: PurePosixPath, files: set[str]) -> Iterator[str]:
    """Each `label_name` that gives the frame one of the files."""
    for file in map(PurePosixPath, files):
        if file.parent == frame.parent and frame.stem in file.name:
            before, _, after = (part.replace("{", "{{").replace("}", "}}") for part in file.name.partition(frame.stem))
            yield f"{before}{{stem}}{after}"
            if frame.suffix and frame.suffix in after:
                yield f"{before}{{stem}}{after.replace(frame.suffix, '{suffix}', 1)}"
