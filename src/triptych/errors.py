"""Errors in a user's data or command, and `one_line`, which formats any error as one line."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

_OF_TRAINING = ("lightning", "torch", "torchmetrics", "torchvision")
"""Packages without which an exported model runs, but nothing trains."""


class MissingDataError(FileNotFoundError):
    """A folder or file that a data set needs does not exist."""


class BadSampleError(ValueError):
    """A file exists, but its content is not what the data set expects."""


class MemoryLimitError(RuntimeError):
    """Training needs more memory than there is; the message says what to do."""


class UsageError(Exception):
    """The command or its configuration cannot be understood."""

    file: Path | None = None
    """The YAML file with the mistake; None if the mistake is not in a file."""


def one_line(error: Exception) -> str:
    """The message of an error in one line, without the traceback that a worker process wraps around it."""
    if isinstance(error, (FileExistsError, NotADirectoryError)) and error.filename is not None:
        return f"{error.filename}: expected a folder, got a file; choose another path."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; choose another path, or correct its permissions."
    lines = str(error).strip().splitlines()
    if lines and "DataLoader worker process" in lines[0]:
        return lines[-1].split(": ", 1)[-1]
    return " ".join(str(error).split())


@contextlib.contextmanager
def needs_training_packages(what: str) -> Iterator[None]:
    """Context in which an import that fails says how to install the packages that train.

    Args:
        what: What is imported.

    Raises:
        ImportError: One of the packages is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _OF_TRAINING:
            raise
        raise ImportError(f"{what} needs {error.name}: `pip install triptych[train]`.") from error
