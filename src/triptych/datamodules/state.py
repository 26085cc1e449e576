"""What the records of a data module depend on, so that they are read again only if it has changed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from triptych.files import modified

_FREE = frozenset(
    {
        *("arguments", "augment", "cache", "download", "first_epoch", "fps", "image_size", "micro_batches"),
        *("num_workers", "predict_path", "records", "sample_weights", "stored_views", "tile", "trainer", "valid_size"),
    }
)
"""Attributes of a data module on which its records do not depend."""


def state_of(attributes: Mapping[str, Any], sources: Iterable[Path]) -> tuple[dict[str, str], list[float | None]]:
    """The settings on which records depend, and when their files were changed; equal as long as nothing has.

    Args:
        attributes: The attributes of a data module; private ones are no settings.
        sources: The files and folders from which it reads.
    """
    settings = {name: repr(value) for name, value in attributes.items() if name[0] != "_" and name not in _FREE}
    return settings, [changed_at(path) for path in sources]


def changed_at(path: Path) -> float | None:
    """The Unix time at which a file or folder was changed; None if it does not exist."""
    try:
        return modified(path)
    except OSError:
        return None
