"""Prints each dependency of `setup.cfg` at its lowest admitted version, those of training and texts too, for pip."""

import configparser
import re
import sys
from pathlib import Path

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+(\[[\w,]+\])?) *>= *(?P<lowest>[\w.]+) *(,.*)?")


def lowest(requirement: str) -> str:
    """The requirement at its lower bound.

    Raises:
        ValueError: It has none.

    Examples:
        >>> lowest("jsonargparse[signatures] >= 4.40, < 5")
        'jsonargparse[signatures]==4.40'
    """
    found = _REQUIREMENT.fullmatch(requirement)
    if found is None:
        raise ValueError(f"setup.cfg: expected a lower bound first, such as `torch >= 2.10, < 3`, got `{requirement}`.")
    return f"{found['name']}=={found['lowest']}"


def oldest(path: Path) -> list[str]:
    """The dependencies of a `setup.cfg`, those of `train` and `text` too, each at its lower bound."""
    config = configparser.ConfigParser()
    config.read(path, encoding="utf-8")
    extras = config["options.extras_require"]
    lines = config["options"]["install_requires"] + extras["train"] + extras["text"]
    return [lowest(line) for line in lines.split("\n") if line]


if __name__ == "__main__":
    sys.stdout.write("\n".join(oldest(Path(__file__).parents[1] / "setup.cfg")) + "\n")
