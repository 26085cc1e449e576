"""An exported folder that a test may change."""

import shutil
from pathlib import Path

from triptych.exported import ExportedFolder


def copied(exported: ExportedFolder, folder: Path) -> Path:
    """A copy of an export, in `folder`."""
    return Path(shutil.copytree(exported.folder, folder / "exported"))


def flipped(path: Path) -> None:
    """Changes one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
