"""Faults of tiles and of their table: each is found once, and named with its files."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examined import faults, only

from triptych import PlanetDataModule

USUAL = ("tags-untrained",)
"""Of 30 tiles some tags occur in a single one."""


def planet(root: Path, **arguments: Any) -> PlanetDataModule:
    return PlanetDataModule(str(root), **arguments)


def rows(root: Path) -> list[list[str]]:
    return [line.split(",") for line in (root / "train_v2.csv").read_text().splitlines()]


def write_tags(root: Path, position: int, change: Callable[[list[str]], list[str]]) -> str:
    """Changes the tags of a tile; returns the path of its file."""
    table = rows(root)
    table[1 + position][1] = " ".join(change(table[1 + position][1].split()))
    (root / "train_v2.csv").write_text("".join(f"{','.join(row)}\n" for row in table))
    return f"train-jpg/{table[1 + position][0]}.jpg"


def drop_tile(root: Path) -> str:
    path = f"train-jpg/{rows(root)[1][0]}.jpg"
    (root / path).unlink()
    return path


def drop_row(root: Path) -> str:
    table = rows(root)
    (root / "train_v2.csv").write_text("".join(f"{','.join(row)}\n" for row in [table[0], *table[2:]]))
    return f"train-jpg/{table[1][0]}.jpg"


def cut_tile(root: Path) -> str:
    path = f"train-jpg/{rows(root)[1][0]}.jpg"
    (root / path).write_bytes((root / path).read_bytes()[:20])
    return path


def no_tags(root: Path) -> str:
    return write_tags(root, 0, lambda tags: [])


def second_weather(root: Path) -> str:
    return write_tags(root, 0, lambda tags: [*tags, *({"clear", "haze"} - {*tags})])


def no_weather(root: Path) -> str:
    return write_tags(root, 0, lambda tags: ["primary"])


def unknown_tag(root: Path) -> str:
    write_tags(root, 0, lambda tags: [*tags, "swamp"])
    return "train_v2.csv"


def long_row(root: Path) -> str:
    with (root / "train_v2.csv").open("a") as table:
        table.write("train_9,clear,primary\n")
    return "train_v2.csv"


FAULTS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "no-image": ("error", drop_tile),
    "unused": ("warning", drop_row),
    "unreadable": ("error", cut_tile),
    "no-tags": ("warning", no_tags),
    "tags": ("error", unknown_tag),
    "table": ("error", long_row),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_once_and_named_with_its_file(tiles: Path, kind: str) -> None:
    level, damage = FAULTS[kind]
    path = damage(tiles)
    found = only(planet(tiles), *USUAL)
    assert (found.kind, found.level) == (kind, level)
    assert path in found.files


@pytest.mark.parametrize("damage", [second_weather, no_weather])
def test_a_tile_has_one_weather(tiles: Path, damage: Callable[[Path], str]) -> None:
    path = damage(tiles)
    found = only(planet(tiles), *USUAL)
    assert found.kind == "weather" and [*found.files] == [path]
    assert "weather" not in faults(planet(tiles, tags="table"))  # which lacks some of Planet's tags


def test_two_spellings_of_a_tag_are_found(tiles: Path) -> None:
    write_tags(tiles, 0, lambda tags: [tag.upper() if tag == "primary" else tag for tag in [*tags, "primary"]])
    found = only(planet(tiles, tags="table"), *USUAL)
    assert found.kind == "tag-spelling" and "'PRIMARY'" in found.message and "train_v2.csv" in found.files


def test_a_healthy_set_has_notes_alone(tiles: Path) -> None:
    assert {*faults(planet(tiles))} <= {*USUAL}


def test_the_same_tile_on_both_sides_is_found(tiles: Path) -> None:
    data = planet(tiles)
    data.setup("fit")
    held_out, trained = data.parts.val[0], data.parts.train[0]
    shutil.copy(tiles / "train-jpg" / trained, tiles / "train-jpg" / held_out)
    found = only(planet(tiles), *USUAL)
    assert found.kind == "duplicates-across"
    assert dict(found.files) == {f"train-jpg/{held_out}": f"same pixels as train-jpg/{trained}"}
