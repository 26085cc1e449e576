"""Test-time augmentation: the mean of what a network predicts for several views of an image.

The means are logarithms of probabilities, so that losses and scores take them as the logits of one view. A view is made
of the plain image, before a network pads it. `triptych.runtime.tta` does the same without torch.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.views import Pairs, View, mirrored_order

Network = Callable[[Tensor], Tensor]
"""Gives the output of a task for uint8 images (N, C, H, W) of any height and width."""


def average_masks(network: Network, images: Tensor, views: Sequence[View]) -> Tensor:
    """Logarithm of the mean probability of each class in each pixel.

    Shape: images uint8 (N, C, H, W); the network's logits and the result, float32, (N, K, H, W).
    """
    probabilities = (
        from_view(network(to_view(images, view)).float().softmax(dim=1), view, images.shape[-2:]) for view in views
    )
    return _log(_mean(probabilities))


def average_labels(network: Network, images: Tensor, views: Sequence[View]) -> Tensor:
    """Logit of the mean probability of each tag.

    Shape: images uint8 (N, C, H, W); the network's logits and the result, float32, (N, L).
    """
    logits = (network(to_view(images, view)).float() for view in views)
    # of both answers, as 1 - p would be 0 for a tag that is sure
    answers = _log(_mean(torch.stack([one, -one]).sigmoid() for one in logits))
    return answers[0] - answers[1]


def average_points(network: Network, images: Tensor, views: Sequence[View], pairs: Pairs = ()) -> Tensor:
    """Mean of the points.

    Args:
        network: Predicts (y, x) in [-1, 1].
        images: uint8 (N, C, H, W).
        views: The views.
        pairs: The points that change places in a mirrored image.

    Returns:
        float32 (N, P, 2).
    """
    return _mean(points_from_view(network(to_view(images, view)).float(), view, pairs) for view in views)


def to_view(images: Tensor, view: View) -> Tensor:
    """A view of images. Shape: uint8 (N, C, H, W); the sides of the result are `view.size_of`."""
    seen = images.flip(view.flipped_axes)
    seen = seen.mT if view.transposed else seen
    size = view.size_of(*seen.shape[-2:])
    # rounded, as an image that is read is
    return seen if size == seen.shape[-2:] else _resized(seen.float(), size).round().to(images.dtype)


def from_view(maps: Tensor, view: View, size: Sequence[int]) -> Tensor:
    """Maps of a view as maps of the image.

    Args:
        maps: float (N, K, h, w).
        view: The view.
        size: (height, width) in pixels of the image.

    Returns:
        float (N, K, height, width).
    """
    size = size[::-1] if view.transposed else size
    maps = _resized(maps, size)
    maps = maps.mT if view.transposed else maps
    return maps.flip(view.flipped_axes)


def points_from_view(points: Tensor, view: View, pairs: Pairs) -> Tensor:
    """Points of a view as points of the image. Shape: (N, P, 2), (y, x) in [-1, 1]."""
    points = points.flip(-1) if view.transposed else points
    points = points * points.new_tensor([-1.0 if view.upside_down else 1.0, -1.0 if view.mirrored else 1.0])
    return points[:, mirrored_order(points.shape[1], pairs)] if view.is_reflection else points


def _mean(of_views: Iterator[Tensor]) -> Tensor:
    """The mean, in the memory of the first; large arrays are not allocated anew, which takes a CPU as long as a sum."""
    total, count = next(of_views), 1
    for one in of_views:
        total.add_(one)
        count += 1
    return total.div_(count)


def _log(probabilities: Tensor) -> Tensor:
    """Logarithm, in the same memory; finite for 0."""
    return probabilities.clamp_(min=torch.finfo(probabilities.dtype).tiny).log_()


def _resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(size) == maps.shape[-2:]:
        return maps
    return F.interpolate(maps, tuple(size), mode="bilinear")
