"""Heads for tasks with one answer per image instead of one per pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PooledHead(nn.Module):
    """Batch-norm, dropout and two linear layers, after `pool`: max and average pooling, concatenated.

    Args:
        in_channels: Channels of the encoder's last features.
        outputs: Number of outputs.

    Shape: pooled (N, 2 * in_channels); result (N, outputs).
    Source: fastai 1.0, `create_head` and its defaults.
    """

    def __init__(self, in_channels: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(2 * in_channels),
            nn.Dropout(0.25),
            nn.Linear(2 * in_channels, 512),
            nn.ReLU(inplace=True),
            nn.BatchNorm1d(512),
            nn.Dropout(0.5),
            nn.Linear(512, outputs),
        )

    def forward(self, pooled: Tensor) -> Tensor:
        scores: Tensor = self.layers(pooled)
        return scores

    @staticmethod
    def pool(features: Tensor) -> Tensor:
        """Pools features of an encoder. Shape: (N, in_channels, H, W); result (N, 2 * in_channels)."""
        return torch.cat([features.amax(dim=(2, 3)), features.mean(dim=(2, 3))], dim=1)


class HeatmapHead(nn.Module):
    """Points as the centres of mass of heat maps, so that positions are not lost in pooling.

    The features are resized to the finest of them and summed. A softmax turns the map of each point into weights, and
    the point is the weighted mean of the centres of all cells. So it lies in [-1, 1], and is differentiable.

    A cell is `stride` pixels long, and -1 and 1 are the edges of the image. So a place has the same coordinates in
    images of any size, and a cell that reaches beyond the image counts with the part inside.

    Args:
        in_channels: Channels of the features, finest first.
        num_points: Number of points.
        stride: Pixels of the image per cell of the finest features.
        channels: Channels of the layers in between.

    Shape: features (N, in_channels[i], H_i, W_i), finest first; size the image's height and width in pixels; result
        (N, num_points, 2) as (y, x) in [-1, 1].
    Source: Nibali et al., "Numerical Coordinate Regression with Convolutional Neural Networks", 2018 (without its
        regularisation).
    """

    on_edges = False
    """Whether the centres of the outermost cells are at -1 and 1, as in weights of before; see `PointRegressor`."""

    def __init__(self, in_channels: Sequence[int], num_points: int, stride: int, channels: int = 128) -> None:
        super().__init__()
        self.stride = stride
        self.laterals = nn.ModuleList(nn.Conv2d(count, channels, 1) for count in in_channels)
        self.maps = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, num_points, 1),
        )

    def set_num_points(self, num_points: int) -> None:
        """Replaces the last layer by a new one, unless it is for so many points."""
        last = self.maps[-1]
        assert isinstance(last, nn.Conv2d)
        if last.out_channels != num_points:
            self.maps[-1] = nn.Conv2d(last.in_channels, num_points, 1).to(last.weight)

    def forward(self, features: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        cells = features[0].shape[-2:]
        laterals = [F.interpolate(layer(x), cells) for layer, x in zip(self.laterals, features, strict=True)]
        maps = self.maps(torch.stack(laterals).sum(dim=0)).float()
        weights = maps.flatten(2).softmax(dim=-1).unflatten(-1, cells)
        y, x = (self._centres(count, side, maps.device) for count, side in zip(cells, size, strict=True))
        return torch.stack([(weights.sum(dim=3) * y).sum(dim=2), (weights.sum(dim=2) * x).sum(dim=2)], dim=2)

    def _centres(self, count: int, side: int, device: torch.device) -> Tensor:
        """Centres of the cells along a side of so many pixels, in [-1, 1]. Shape: (count,)."""
        if self.on_edges:
            return (2 * torch.arange(count, device=device) - (count - 1)) / max(count - 1, 1)
        edges = (self.stride * torch.arange(count + 1, device=device)).clamp(max=side)
        return (edges[:-1] + edges[1:]) / side - 1
