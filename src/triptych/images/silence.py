"""OpenCV without its own lines about files and cameras; the error that names them says it."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_LOGGING = getattr(cv2.utils, "logging", cv2)
"""Where the functions are: OpenCV 5 has moved them."""
_SILENT = 0


@contextmanager
def silent_opencv() -> Iterator[None]:
    """Context in which OpenCV writes nothing on standard error."""
    level = _LOGGING.getLogLevel()
    _LOGGING.setLogLevel(_SILENT)
    try:
        yield
    finally:
        _LOGGING.setLogLevel(level)
