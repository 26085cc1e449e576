"""Tags that look as if they were split or spelled wrongly."""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

_ADVICE = {
    **{mark: f"set delimiter to {mark!r} if it separates tags" for mark in ",;|"},
    **dict.fromkeys("[]{}", "write the tags alone, without brackets"),
}
"""Marks that a tag rarely begins or ends with, and what to do about them."""
_NOTHING = frozenset({"nan", "none", "null", "n/a", "<na>"})
"""What programs write, in lower case, where a cell is empty."""
_LISTED = 5

TagsByName = Mapping[str, Sequence[str]]
"""The tags of each tile."""


def split_wrongly(tags_of: TagsByName, delimiter: str) -> list[str]:
    """Says which mark should probably separate tags, with the number of tiles and the first; empty if none should.

    A mark is suspected if tags begin or end with it, or if no cell was split and most hold it.

    Args:
        tags_of: The tags of each tile.
        delimiter: The delimiter that they were split at.
    """
    unsplit = all(len(tags) < 2 for tags in tags_of.values())
    least = sum(map(len, tags_of.values())) // 2 + 1 if unsplit else 1
    for mark in [mark for mark in _ADVICE if mark not in delimiter]:
        odd = [
            (name, tag)
            for name, tags in tags_of.items()
            for tag in tags
            if mark in (tag if unsplit else (tag[0], tag[-1]))
        ]
        if len(odd) >= least:
            name, tag = odd[0]
            count = len({name for name, _ in odd})
            return [
                f"{count} of {len(tags_of)} tiles have a tag with {mark!r} in it; the first is {tag!r} of {name!r}; "
                f"{_ADVICE[mark]}."
            ]
    return []


def of_no_tag(tags_of: TagsByName) -> list[str]:
    """Says which tags probably mean that a tile has none, such as `nan`; empty if none do."""
    found = [(name, tags[0]) for name, tags in tags_of.items() if len(tags) == 1 and tags[0].lower() in _NOTHING]
    if not found:
        return []
    name, tag = found[0]
    return [
        f"{len(found)} of {len(tags_of)} tiles have a tag that probably means none, and it is learned like any other; "
        f"the first is {tag!r} of {name!r}; leave the cell empty if there is no tag."
    ]


def spelled_twice(tags_of: TagsByName) -> list[str]:
    """Says which tags differ only by case, spaces, hyphens or underscores; empty if none do."""
    tiles: dict[str, list[str]] = defaultdict(list)
    for name, tags in tags_of.items():
        for tag in tags:
            tiles[tag].append(name)
    spellings: dict[str, list[str]] = defaultdict(list)
    for tag in tiles:
        spellings[_bare(tag)].append(tag)
    groups = [
        " and ".join(f"{tag!r} ({len(tiles[tag])} tiles, first {tiles[tag][0]!r})" for tag in sorted(group))
        for group in spellings.values()
        if len(group) > 1
    ]
    if not groups:
        return []
    listed = "; ".join([*groups[:_LISTED], *(["..."] if len(groups) > _LISTED else [])])
    return [
        f"{len(groups)} tags are spelled in several ways, and each spelling is a tag of its own: {listed}; correct the "
        "table if they are one."
    ]


def _bare(tag: str) -> str:
    """A tag without what two spellings may differ in."""
    folded = unicodedata.normalize("NFKC", tag).casefold()
    return "".join(one for one in folded if one not in " _-") or tag
