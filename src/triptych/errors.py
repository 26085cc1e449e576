"""Errors in a user's data or command, and `one_line`, which formats any error as one line."""

from pathlib import Path


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
