"""A model for a moment in evaluation mode, on the device where it is fast."""

import contextlib
from collections.abc import Iterator

import lightning as L
import torch


@contextlib.contextmanager
def evaluation_mode(model: L.LightningModule) -> Iterator[None]:
    """No dropout, no batch statistics, no gradients, on `evaluation_device`; afterwards all is as before."""
    modes = [(module, module.training) for module in model.modules()]
    before, device = model.device, evaluation_device(model)
    model.eval()
    try:
        if device != before:
            model.to(device)
        with torch.no_grad():
            yield
    finally:
        if device != before:
            model.to(before)
        for module, mode in modes:
            module.training = mode


def evaluation_device(model: L.LightningModule) -> torch.device:
    """The device on which a model is evaluated outside of a fit, since Lightning moves it to the CPU after one.

    A model on an accelerator stays there. One on the CPU goes where its Trainer had it; without a Trainer, as after
    loading, to the accelerator of this machine if there is one.
    """
    if model.device.type != "cpu":
        return model.device
    if model._trainer is not None:
        return model._trainer.strategy.root_device
    return torch.accelerator.current_accelerator(check_available=True) or model.device
