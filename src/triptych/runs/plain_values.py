"""Plain values, the only ones in checkpoints, JSON and YAML."""

from pathlib import Path
from typing import Any

import numpy as np

from triptych.optim import max_lr


def plain(value: Any) -> Any:
    """An argument as a plain value: NumPy's numbers as Python's, a path or slice as text, an array or tuple as a list.

    Examples:
        >>> plain((np.int64(360), 480.0))
        [360, 480.0]
    """
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, slice):
        return max_lr.plain(value)
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value
