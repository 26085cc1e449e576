"""The classes that a file of a run names: looked up among the loaded ones, never imported."""

import sys
from typing import Any

_OWN = __name__.partition(".")[0]
"""This package, whose public classes are imported when they are asked for."""


def loaded_class(where: str, class_path: object, *expected: type) -> type[Any]:
    """The class of that path, which a program has imported before; our own public classes always count as loaded.

    Args:
        where: The file and the key that name the class, for the error.
        class_path: Module and name, such as `triptych.CamVidDataModule`.
        expected: Classes, one of which must be a base of it.

    Raises:
        ValueError: No loaded class has that path, or it is not a subclass of an expected one.
    """
    module, _, name = str(class_path).rpartition(".")
    if module == _OWN and name in sys.modules[_OWN].__all__:
        found = getattr(sys.modules[_OWN], name)
    else:
        found = getattr(sys.modules.get(module), "__dict__", {}).get(name)  # `getattr(module, name)` may import
    if isinstance(found, type) and issubclass(found, expected):
        return found
    raise ValueError(
        f"{where}: expected a loaded subclass of {' or '.join(base.__name__ for base in expected)}, got {class_path}; "
        "a file's classes are not imported, so import your own before, in a script."
    )
