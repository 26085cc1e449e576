"""Tags: how often they occur, spellings of one tag, tiles without any, and the weather of Planet's tiles."""

from collections import Counter
from collections.abc import Iterator

from triptych.datasets.planet_tags import PLANET_TAGS
from triptych.datasets.tag_spelling import of_no_tag, spelled_twice, split_wrongly
from triptych.doctor.findings import Finding
from triptych.doctor.frequencies import frequencies, names_by_split
from triptych.doctor.inventory import Inventory, TagLabels

Tiles = Inventory[TagLabels]

_WEATHER = frozenset({"clear", "cloudy", "haze", "partly_cloudy"})
"""Planet's tags of which each tile has exactly one: Planet and SCCON, Kaggle 2017, "Data"."""


def tag_frequencies(data: Tiles) -> Iterator[Finding]:
    """Tiles of each tag, and tags that are missing from a split."""
    tags_of = {name: {*tags} for name, tags in data.labels.tags_of.items()}
    counts = Counter(tag for tags in tags_of.values() for tag in tags)
    by_split = names_by_split(tags_of, data.splits)
    yield from frequencies("tags", data.labels.tags, counts, len(tags_of), "tiles", by_split)


def spellings(data: Tiles) -> Iterator[Finding]:
    """Tags that are split or spelled wrongly, as it seems."""
    table, tags_of = data.relative(data.labels.table), data.labels.tags_of
    for text in [*of_no_tag(tags_of), *spelled_twice(tags_of)]:
        yield Finding("warning", "tag-spelling", f"{table}: {text}", files={table: text})
    for text in split_wrongly(tags_of, data.labels.delimiter):
        yield Finding("warning", "tag-delimiter", f"{table}: {text}", files={table: text})


def untagged(data: Tiles) -> Iterator[Finding]:
    """Tiles without a tag."""
    files = {name: "no tag" for name, tags in data.labels.tags_of.items() if not tags}
    if files:
        message = f"{len(files)} of {len(data.labels.tags_of)} tiles have no tag."
        yield Finding("warning", "no-tags", message, "add their tags, if any is missing.", _paths(data, files))


def weather(data: Tiles) -> Iterator[Finding]:
    """Planet's tiles with two kinds of weather, or with none."""
    if {*data.labels.tags} != {*PLANET_TAGS}:
        return
    found = {name: sorted(_WEATHER & {*tags}) for name, tags in data.labels.tags_of.items() if tags}
    files = {name: ", ".join(kinds) or "no weather" for name, kinds in found.items() if len(kinds) != 1}
    if files:
        message = f"{len(files)} of {len(found)} tiles have not one of {', '.join(sorted(_WEATHER))}, but two or none."
        yield Finding("warning", "weather", message, "correct their tags.", _paths(data, files))


def _paths(data: Tiles, files: dict[str, str]) -> dict[str, str]:
    return {data.relative(data.images[name]): why for name, why in files.items() if name in data.images}
