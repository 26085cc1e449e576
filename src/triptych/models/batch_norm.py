"""Batch-norm that also takes a single value per channel.

The last batch of an epoch may hold one sample, whose features are 1x1 at the deepest stride of small images, or in
layers after a pooling. One value has no variance, and torch's own batch-norm raises an error.
"""

from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn


class _RunningForOne(nn.Module):
    """Normalises a single value per channel by the running statistics, which it leaves as they are."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or x.numel() > x.shape[1]:
            return super().forward(x)  # type: ignore[no-any-return]
        self.training = False
        try:
            return super().forward(x)  # type: ignore[no-any-return]
        finally:
            self.training = True


class BatchNorm1d(_RunningForOne, nn.BatchNorm1d):
    """See `_RunningForOne`."""


class BatchNorm2d(_RunningForOne, nn.BatchNorm2d):
    """See `_RunningForOne`."""


class ActivatedBatchNorm2d(_RunningForOne, BatchNormAct2d):
    """See `_RunningForOne`; timm's batch-norm with an activation after it."""


_OURS: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: BatchNorm1d,
    nn.BatchNorm2d: BatchNorm2d,
    BatchNormAct2d: ActivatedBatchNorm2d,
}


def accept_one_value(network: nn.Module) -> None:
    """Turns the batch-norms of a network into ours, without changing weights or names."""
    for module in network.modules():
        module.__class__ = _OURS.get(type(module), type(module))
