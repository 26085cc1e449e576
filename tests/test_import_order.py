"""CONTRIBUTING quotes the import order that setup.cfg states and `make lint` holds."""

import configparser
from pathlib import Path

import triptych

ROOT = Path(__file__).parents[1]


def stated_order() -> str:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config["importlinter:contract:floors"]["layers"].strip()


def test_contributing_quotes_the_order_of_the_floors() -> None:
    assert f"```\n{stated_order()}\n```" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_room_stands_on_a_floor_and_in_the_table_of_contributing() -> None:
    package = Path(triptych.__file__).parent
    rooms = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    rooms -= {"__init__", "__main__"}
    assert rooms == {*stated_order().replace("|", " ").split()}
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"`{room}/`" in table or f"`{room}.py`" in table for room in rooms)
