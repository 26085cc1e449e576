"""The folder of an exported model: its files, what `model.json` says, checksums, and its network; no torch."""

from triptych.exported.folder import ExportedFolder
from triptych.exported.manifest import DataCard, FileCard, Manifest, Scores, Task

__all__ = ["DataCard", "ExportedFolder", "FileCard", "Manifest", "Scores", "Task"]
