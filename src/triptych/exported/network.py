"""The network of an exported model in onnxruntime."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triptych._threads import processors
from triptych.errors import BadSampleError

Network = Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]
"""Gives logits, points or probabilities for images uint8 (N, C, H, W), or probabilities for tokens int64 (N, T)."""

_ONLY_ERRORS = 3
"""Level of onnxruntime's messages, which it writes on standard error."""


def open_network(path: Path) -> Network:
    """The network of a `model.onnx`, on the CPU.

    It uses as many threads as torch would: OMP_NUM_THREADS, or one for each processor.

    Args:
        path: The file.

    Raises:
        ImportError: onnxruntime is not installed.
        BadSampleError: The file is no network that onnxruntime runs.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError("onnxruntime is needed to run an exported model: `pip install triptych[runtime]`.") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ONLY_ERRORS
    options.intra_op_num_threads = _threads()
    # threads that wait spin by default, and take the processors from other processes; sleeping costs 1 % alone
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own have no other base
        raise BadSampleError(
            f"{path}: expected a network that onnxruntime {onnxruntime.__version__} runs, got: {_line(error)}; export "
            "the model again, or install a newer onnxruntime."
        ) from error
    name = session.get_inputs()[0].name

    def run(batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        try:
            (outputs,) = session.run(None, {name: batch})
        except Exception as error:
            raise RuntimeError(f"{path}: cannot run on {name} {batch.shape}: {_line(error)}.") from error
        return np.asarray(outputs, dtype=np.float32)

    return run


def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() and int(given) > 0 else processors()


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".")
