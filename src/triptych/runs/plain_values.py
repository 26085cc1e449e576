"""Plain values, the only ones in checkpoints, JSON and YAML."""

from pathlib import Path
from typing import Any

import numpy as np

from triptych.optim import max_lr


def plain(value: Any) -> Any:
    """An argument as a plain value: NumPy's numbers as Python's, a path or slice as text, an array or tuple as a list.

    The same goes for the values of a list or a mapping, and a mapping's keys.

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
    if isinstance(value, dict):
        return {plain(key) if isinstance(key, np.generic) else key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value
