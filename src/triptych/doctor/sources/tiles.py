"""Tiles and the table of their tags."""

from collections.abc import Sequence
from pathlib import Path

from triptych.datamodules.planet import PlanetDataModule
from triptych.datasets.files import list_images
from triptych.datasets.names import SampleNames, names_below
from triptych.datasets.planet import Planet
from triptych.datasets.tile_files import TileFiles
from triptych.doctor.attempts import Attempts
from triptych.doctor.inventory import Inventory, TagLabels
from triptych.doctor.sources.splits import split_names
from triptych.errors import BadSampleError, MissingDataError


def tiles(data: PlanetDataModule) -> Inventory[TagLabels]:
    """See `take_inventory`."""
    attempt, layout = Attempts(data.root), data.layout
    table, folder = data.root / layout["table"], data.root / layout["folder"]
    files = [folder / name for name in list_images(folder)] if folder.is_dir() else []
    lenient = layout | {"tags": "table", "untagged": "keep"}
    known = attempt("table", table, lambda: Planet(data.root, [], **lenient))
    if known is None:
        images = dict(zip(names_below(folder, files), files, strict=True))
        labels, splits = TagLabels({}, [], [], table, layout["delimiter"]), {}
    else:
        tile_files = TileFiles(data.root, layout["folder"], layout["suffix"])
        paths, advice = _find(tile_files, list(known.tags_of), attempt)
        name_of = dict(zip(paths, names_below(folder, paths.values()), strict=True))
        images = {name_of[tile]: path for tile, path in paths.items()}
        tags = attempt("tags", table, lambda: Planet(data.root, [], **layout).tags) or known.tags
        tags_of = {name_of[tile]: known.tags_of[tile] for tile in paths}
        unused = sorted({*files} - {*paths.values()})
        labels = TagLabels(tags_of, tags, unused, table, layout["delimiter"], advice)
        splits = split_names(data, SampleNames(images, folder, data.root, aliases=name_of, noun=data.noun), attempt)
    faults = [*attempt.faults()]
    return Inventory(data.root, data.noun, faults, splits, images, labels, data.group, data.scale, data.channels)


def _find(files: TileFiles, names: Sequence[str], attempt: Attempts) -> tuple[dict[str, Path], str]:
    """Path of each tile, of one that does not exist the expected one; and the argument that would find those."""
    try:
        return files.find(names), ""
    except MissingDataError as error:
        advice = str(error).rpartition("; ")[2]
    except BadSampleError:
        advice = ""
    return {name: path for name in names if (path := _find_one(files, name, attempt))}, advice


def _find_one(files: TileFiles, name: str, attempt: Attempts) -> Path | None:
    try:
        return files.find([name])[name]
    except MissingDataError:
        return files.expected(name)
    except BadSampleError as error:  # the name fits several files
        attempt.add("tile-name", files.expected(name), str(error))
        return None
