"""Text files of a data set, which are UTF-8."""

from pathlib import Path

from triptych.errors import BadSampleError


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without byte order mark.

    Raises:
        BadSampleError: The file has another encoding.
    """
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSampleError(
            f"{path}: expected UTF-8, got byte 0x{data[error.start]:02x} at position {error.start}; save it as UTF-8."
        ) from error
