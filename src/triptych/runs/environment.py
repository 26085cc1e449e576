"""The environment of a training: versions, CPU threads and device."""

import platform

import lightning as L
import torch

from triptych._version import __version__


def environment(device: torch.device) -> dict[str, str]:
    """Versions and hardware of this process, as plain strings by name.

    Args:
        device: Device of the model.
    """
    return {
        "triptych": __version__,
        "Lightning": L.__version__,
        "PyTorch": str(torch.__version__),  # a plain str, since a checkpoint is read with `weights_only`
        "Python": platform.python_version(),
        "system": platform.platform(),
        "processor threads": str(torch.get_num_threads()),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
    }
