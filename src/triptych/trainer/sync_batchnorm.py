"""Batch-norm over all processes (`sync_batchnorm`) that keeps the activations within timm's layers.

torch's own conversion, which Lightning uses, turns timm's batch-norm with an activation into one without.
"""

import lightning as L
from lightning.pytorch.plugins.layer_sync import LayerSync, TorchSyncBatchNorm
from timm.layers.norm_act import convert_sync_batchnorm
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class SyncBatchNorm(LayerSync):
    """Replaces the batch-norms of a model by those that count over all processes, and puts the same ones back.

    Both have the same parameters and buffers, under the same names.
    """

    def __init__(self) -> None:
        self._originals: dict[nn.Module, nn.Module] = {}

    def apply(self, model: nn.Module) -> nn.Module:
        norms = [one for one in model.named_modules(remove_duplicate=False) if isinstance(one[1], _BatchNorm)]
        converted: nn.Module = convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        self._originals = {converted.get_submodule(name): norm for name, norm in norms}
        return converted

    def revert(self, model: nn.Module) -> nn.Module:
        for parent in [*model.modules()]:
            for name, layer in [*parent.named_children()]:
                if layer in self._originals:
                    parent.add_module(name, _with_state(self._originals[layer], layer))
        self._originals = {}
        return model


def _with_state(norm: nn.Module, layer: nn.Module) -> nn.Module:
    """`norm` with the parameters, buffers and mode of `layer`, which a change of device or type may have replaced."""
    norm._parameters, norm._buffers, norm.training = layer._parameters, layer._buffers, layer.training
    return norm


def keep_activations(trainer: L.Trainer) -> None:
    """Puts `SyncBatchNorm` in the place of Lightning's own; a single process needs none."""
    strategy = trainer.strategy
    if type(getattr(strategy, "_layer_sync", None)) is TorchSyncBatchNorm:
        strategy._layer_sync = SyncBatchNorm() if trainer.world_size > 1 else None  # type: ignore[attr-defined]
