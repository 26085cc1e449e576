"""The shipped configurations: found by name, and copied by `triptych configs`."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import triptych
from triptych.errors import UsageError
from triptych.files import local_folder
from triptych.synthetic.new_folder import new_folder

_RECIPES = "recipes"
_OPTIONS = ("--config", "-c", "--before")
"""The options whose value is a configuration."""


def shipped_configs() -> dict[str, Path]:
    """The shipped YAML files by their names, such as `camvid` and `recipes/camvid_quick`."""
    folder = _folder()
    files = sorted(folder.rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}


def with_shipped_configs(args: Sequence[str]) -> list[str]:
    """The arguments, with the path of the file in place of the name of a shipped configuration.

    Raises:
        UsageError: A name is neither a file nor that of a shipped configuration.
    """
    recipes_first = args[:1] == ["recipe"]
    complete, is_config = [], False
    for arg in args:
        option, equals, value = arg.partition("=")
        if is_config:
            arg = _path_of(arg, recipes_first)
        elif equals and option in _OPTIONS:
            arg = f"{option}={_path_of(value, recipes_first)}"
        is_config = arg in _OPTIONS
        complete.append(arg)
    return complete


def configs(args: Sequence[str]) -> None:
    """`triptych configs DIR`: copies the shipped configurations into a new folder.

    Raises:
        UsageError: The command cannot be understood.
        FileExistsError: `DIR` is a file, or not empty.
    """
    usage = "triptych configs DIR"
    if args in (["--help"], ["-h"]):
        print(f"usage: {usage}")
        return
    if len(args) != 1 or args[0].startswith("-"):
        raise UsageError(f"expected `{usage}`, got {' '.join(args) or 'nothing'}.")
    with new_folder(Path(local_folder(args[0])), "configs") as copies:
        shutil.copytree(_folder(), copies, dirs_exist_ok=True)
    print(f"configs: {args[0]}")


def _folder() -> Path:
    package = Path(triptych.__file__).parent
    packaged, in_repository = package / "configs", package.parents[1] / "configs"
    return packaged if packaged.is_dir() else in_repository


def _path_of(value: str, recipes_first: bool) -> str:
    """The path of a shipped configuration, if `value` is the name of one; any other value as it is."""
    if not re.fullmatch(r"[\w/-]+", value) or Path(value).is_file():
        return value
    shipped = shipped_configs()
    names = [value, f"{_RECIPES}/{value}"]
    found = [name for name in (names[::-1] if recipes_first else names) if name in shipped]
    if not found:
        raise UsageError(f"config: expected a YAML file, or one of {', '.join(shipped)}, got {value}.")
    return str(shipped[found[0]])
