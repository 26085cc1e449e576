"""The table from the ids or colours of mask files to class ids, from a `label_map` or from `codes.txt` alone."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triptych.datasets.label_map import VOID_ID, is_void, label_map_line, map_advice, map_template
from triptych.datasets.mask_values import (
    Value,
    count_values,
    counts_text,
    pack,
    read_colors,
    runs,
    value_text,
)
from triptych.errors import BadSampleError
from triptych.images import ColouredMaskError, read_ids

_IDS = 65536
_UNKNOWN = -1
_MOST_CLASSES = 256
MOST_UNKNOWN = 40
"""Number of values without a class above which edges were smoothed, or it is no mask."""
_LISTED, _READ = 5, 16
_EXAMPLE = '{0: background, 255: Void} or {"#804080": Road}'


class LabelTable:
    """What the values in mask files mean.

    Args:
        label_map: Class name of each id or colour, see `label_map.LabelMap`; None if each id is the line number of its
            class in `codes.txt`. In any case 255 is void, unless the map gives it a class.
        codes: The class names of `codes.txt`.

    Raises:
        ValueError: A key is no id or colour, two keys are the same, ids and colours are mixed, or a class is unknown;
            or there are more classes than ids below 255.
    """

    def __init__(self, label_map: Mapping[Any, Any] | None, codes: Sequence[str]) -> None:
        if any(not is_void(name) for name in codes[VOID_ID:]):
            raise ValueError(
                f"codes.txt: expected at most {VOID_ID} class names, since {VOID_ID} is void in every mask, "
                f"got {len(codes)}."
            )
        self.codes, self.label_map = codes, label_map
        self.by_color = False
        """Whether the map names colours."""
        if label_map is None:
            self._class_of = {VOID_ID: VOID_ID} | {i: i for i in range(len(codes))}
        else:
            self._class_of, self.by_color = _parsed(label_map, codes)
        self._values = np.array(sorted(self._class_of), dtype=np.uint32)
        self._ids = np.array([self._class_of[value] for value in sorted(self._class_of)], dtype=np.uint8)
        self._by_id = np.full(_IDS, _UNKNOWN, dtype=np.int16)
        if not self.by_color:
            self._by_id[self._values] = self._ids

    def class_of(self, value: int) -> int:
        """Class id of an id or packed colour that has one, 255 for void."""
        return self._class_of[value]

    def read(self, path: Path, oriented: bool = True) -> npt.NDArray[Any]:
        """The values of a mask (H, W): ids, or packed colours if the map names colours.

        Raises:
            MissingDataError: The file does not exist.
            BadSampleError: It cannot be decoded, its format changes ids, or it holds colours where ids are expected.
        """
        if self.by_color:
            return read_colors(path, oriented)
        try:
            return read_ids(path, oriented)
        except ColouredMaskError as error:
            raise BadSampleError(self.colors_message([path])) from error

    def class_ids(self, values: npt.NDArray[Any], path: Path) -> npt.NDArray[np.uint8]:
        """Class ids (H, W) of the values of a mask, 255 for void.

        Raises:
            BadSampleError: A value has no class; the message names `path`.
        """
        if self.by_color:
            found, lengths = runs(values)
            position = np.searchsorted(self._values, found).clip(max=len(self._values) - 1)
            if (self._values[position] == found).all():
                return np.asarray(np.repeat(self._ids[position], lengths).reshape(values.shape), dtype=np.uint8)
        else:
            ids = self._by_id.take(values)  # several times faster than an index
            if ids.min() != _UNKNOWN:
                return np.asarray(ids, dtype=np.uint8)
        counts = count_values(values)
        advice = map_template(self._named(counts), self.codes)  # one mask does not tell what its ids mean
        raise BadSampleError(self.unknown_message(path, counts, f"it holds {self.text(counts)}", advice))

    def text(self, counts: Mapping[int, int]) -> str:
        """Ids or packed colours with their fractions, in words."""
        return counts_text(self._named(counts))

    def unknown(self, counts: Mapping[int, int]) -> list[int]:
        """Those of some ids or packed colours that have no class."""
        return [value for value in counts if value not in self._class_of]

    def advice(self, counts: Mapping[int, int]) -> str:
        """The `label_map` that fits the ids or packed colours of many masks."""
        return map_advice(self._named(counts), self.codes)

    def unknown_message(self, path: Path, counts: Mapping[int, int], holds: str, advice: str) -> str:
        """The message that a mask holds values without a class.

        Args:
            path: The mask.
            counts: Pixels of each id or packed colour, of this mask or of several.
            holds: What was found, in words.
            advice: The `label_map` to set.
        """
        unknown = [value_text(value, self.by_color) for value in self.unknown(counts)]
        what = "colour" if self.by_color else "id"
        if len(unknown) > MOST_UNKNOWN:
            return (
                f"{path}: expected the {what}s of {len(self.codes)} classes, got {len(unknown)} other {what}s; {holds}"
                "; masks with smoothed edges, or resized ones, hold no classes: save them without smoothing."
            )
        if self.label_map is not None:
            more: dict[Any, Any] = dict.fromkeys(unknown[:_LISTED], "CLASS")
            return (
                f"{path}: expected {what}s that label_map names, got {what} {unknown[0]}; {holds}; add "
                f"{label_map_line(more)[1:-1]} with the name of a class or Void, or correct the masks."
            )
        n = len(self.codes)
        return (
            f"{path}: expected class ids 0 to {n - 1} (codes.txt names {n} classes) or {VOID_ID} for void, "
            f"got {what} {unknown[0]}; {holds}; correct the mask, add the class to codes.txt, or set {advice}."
        )

    def colors_message(self, paths: Sequence[Path], others: int = 0) -> str:
        """The message that masks hold colours, where ids are expected.

        Args:
            paths: The masks; some of them are read.
            others: Number of further masks, which hold ids.
        """
        counts: Counter[int] = Counter()
        for path in paths[:: -(-len(paths) // _READ)]:
            counts.update(count_values(read_colors(path)))
        if len(counts) > _MOST_CLASSES:
            return (
                f"{paths[0]}: expected a mask of class ids, got an image of {len(counts)} colours; save the ids, "
                "without smoothed edges."
            )
        found = dict(sorted((value_text(value, by_color=True), count) for value, count in counts.items()))
        advice = f"as in the other {others} masks" if others else f"or set {map_advice(found, self.codes)}"
        return f"{paths[0]}: expected a mask of class ids, got colours, {counts_text(found)}; save the ids, {advice}."

    def _named(self, counts: Mapping[int, int]) -> dict[Value, int]:
        return dict(sorted((value_text(value, self.by_color), count) for value, count in counts.items()))


def _parsed(label_map: Mapping[Any, Any], codes: Sequence[str]) -> tuple[dict[int, int], bool]:
    """The class id of each id or packed colour, 255 for void; and whether they are colours."""
    if not isinstance(label_map, Mapping) or not label_map:
        raise ValueError(f"label_map: expected ids or colours with class names, such as {_EXAMPLE}, got {label_map!r}.")
    keys: dict[tuple[bool, int], Any] = {}
    for key in label_map:
        same = keys.setdefault(_parsed_key(key), key)
        if same is not key:
            raise ValueError(f"label_map: expected each id or colour once, got {same!r} and {key!r}; remove one.")
    if len({by_color for by_color, _ in keys}) > 1:
        raise ValueError(f"label_map: expected ids or colours, got both: {', '.join(map(repr, label_map))}.")
    classes = {value: _class_id(key, label_map[key], codes) for (_, value), key in keys.items()}
    by_color = next(iter(keys))[0]
    return (classes if by_color else {VOID_ID: VOID_ID} | classes), by_color


def _parsed_key(key: Any) -> tuple[bool, int]:
    """Whether a key is a colour, and its id or packed colour."""
    text = str(key).strip() if isinstance(key, (int, str)) and not isinstance(key, bool) else ""
    if re.fullmatch(r"\d+", text) and int(text) < _IDS:
        return False, int(text)
    bands: list[int] = []
    if re.fullmatch(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{8})", text):
        bands = list(bytes.fromhex(text[1:]))
    elif re.fullmatch(r"\d+(?:\s*,\s*\d+){2,3}", text):
        bands = [int(part) for part in text.split(",")]
    if not bands or max(bands) > 255:
        raise ValueError(
            f'label_map: expected an id from 0 to {_IDS - 1}, or a colour in quotes, "128,64,128" or "#804080", '
            f"got {key!r}."
        )
    red, green, blue, alpha = (*bands, 255)[:4]
    return True, pack((red, green, blue, alpha))


def _class_id(key: Any, name: Any, codes: Sequence[str]) -> int:
    """The class id of a name; 255 if it means void."""
    if name is None or name == VOID_ID or is_void(name):
        return VOID_ID
    if str(name) not in codes:
        near = difflib.get_close_matches(str(name), codes) or list(codes[:5])
        raise ValueError(
            f"label_map: expected the name of a class in codes.txt, or Void, for {key!r}, got {name!r}; "
            f"the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}."
        )
    return codes.index(str(name))
