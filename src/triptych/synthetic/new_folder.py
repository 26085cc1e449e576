"""Code common to all made-up data: argument checks, and a folder that is written completely or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from triptych.files import atomic_folder

MIN_SIDE = 32


@contextmanager
def new_folder(root: Path, kind: str) -> Iterator[Path]:
    """Context with a temporary folder: it is renamed to `root` when the block ends, and removed if the block raises.

    Args:
        root: Folder to create, with its parents; it may exist if it is empty.
        kind: What is written, such as `"streets"`; used in error messages.

    Raises:
        FileExistsError: If `root` is a file or a folder that is not empty. Nothing is written then.
    """
    _check_free(root, kind)
    with atomic_folder(root) as folder:
        yield folder


def check_image_size(image_size: tuple[int, int], kind: str) -> None:
    """Raises ValueError unless `image_size` is (height, width), each at least `MIN_SIDE` pixels."""
    if len(image_size) != 2 or min(image_size) < MIN_SIDE:
        raise ValueError(f"{kind}: image_size must be (height, width), each at least {MIN_SIDE}, got {image_size}.")


def check_seed(seed: int, kind: str) -> None:
    """Raises ValueError unless `seed` is at least 0."""
    if seed < 0:
        raise ValueError(f"{kind}: seed must be at least 0, got {seed}.")


def _check_free(root: Path, kind: str) -> None:
    if root.exists() and not root.is_dir():
        raise FileExistsError(f"{kind}: {root} is a file; expected a new or empty folder. Give another name.")
    there = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    if there:
        raise FileExistsError(
            f"{kind}: {root} is not empty, it holds {there[0]!r} (one of {len(there)}); "
            "remove it or give another folder."
        )
