"""YAML files of a run, read as plain values."""

from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a mapping; a Python object becomes its tag, such as `pathlib.PosixPath`, so that nothing is built.

    Raises:
        ValueError: The file is not YAML, or not a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader) or {}
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: expected YAML, got {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a mapping, got {type(content).__name__}.")
    return content


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with tuples."""


def _named(loader: _Loader, name: str, node: yaml.Node) -> Any:
    if name == "tuple" and isinstance(node, yaml.SequenceNode):
        return tuple(loader.construct_sequence(node, deep=True))
    return name.rpartition(":")[2]


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _named)
