"""On what a model was trained: versions, processor and device."""

import platform

import lightning as L
import torch

from triptych._version import __version__


def environment(device: torch.device) -> dict[str, str]:
    """What is worth knowing of this process and its machine, as plain words by name.

    Args:
        device: On which the model is.
    """
    return {
        "triptych": __version__,
        "Lightning": L.__version__,
        "PyTorch": str(torch.__version__),  # a plain word, which a checkpoint can be read with
        "Python": platform.python_version(),
        "system": platform.platform(),
        "processor threads": str(torch.get_num_threads()),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
    }
