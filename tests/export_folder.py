"""The encoder of exports in tests, and an exported folder that a test may change."""

import shutil
from pathlib import Path

from triptych.exported import ExportedFolder

ENCODER = "resnet18"
"""Exported in seconds; the smallest one pads as TensorFlow does, by sizes, which torch takes minutes to translate."""


def copied(exported: ExportedFolder, folder: Path) -> Path:
    """A copy of an export, in `folder`."""
    return Path(shutil.copytree(exported.folder, folder / "exported"))


def flipped(path: Path) -> None:
    """Changes one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
