"""Test-time augmentation without torch: what `triptych.models.tta` does on tensors, on the arrays of a network."""

from collections.abc import Sequence

import cv2
import numpy as np

from triptych.exported import Manifest
from triptych.exported.network import Network
from triptych.runtime.resizing import Floats, Pixels
from triptych.views import Pairs, TTAChoice, View, mirrored_order, pairs_for, views_of


def averaging(network: Network, manifest: Manifest, tta: TTAChoice) -> Network:
    """A network whose outputs are means over views of an image; `network` itself if `tta` is None.

    Args:
        network: The network.
        manifest: What it predicts.
        tta: The views; see `triptych.views.TTAChoice`.

    Raises:
        ValueError: `tta` is unknown, or mirrors points of which nothing says how they change places; or the model
            answers for texts.
    """
    views = views_of(tta)
    if views and manifest.input != "image":
        raise ValueError(f"tta: expected none for a model of texts, got {tta!r}; views are of images.")
    names = manifest.names if manifest.task == "point" else ()
    pairs = pairs_for(views, manifest.hyper_parameters.get("flip_pairs"), names)

    def average(images: Pixels) -> Floats:
        outputs = (_of_image(network(to_view(images, view)), images, view) for view in views)
        mean = next(outputs)
        for output in outputs:
            mean += output
        mean /= len(views)
        return np.log(np.maximum(mean, np.finfo(np.float32).tiny)) if manifest.task == "mask" else mean

    def _of_image(output: Floats, images: Pixels, view: View) -> Floats:
        if manifest.task == "mask":
            return masks_from_view(_softmax(output), view, images.shape[-2:])
        return points_from_view(output, view, pairs) if manifest.task == "point" else output

    return average if views else network


def to_view(images: Pixels, view: View) -> Pixels:
    """A view of images. Shape: (N, C, H, W); the sides of the result are `view.size_of`."""
    seen = np.flip(images, view.flipped_axes)
    seen = seen.swapaxes(-1, -2) if view.transposed else seen
    height, width = view.size_of(*seen.shape[-2:])
    if (height, width) == seen.shape[-2:]:
        return np.ascontiguousarray(seen)
    return np.rint(_resized(seen.astype(np.float32), (height, width))).astype(np.uint8)


def masks_from_view(maps: Floats, view: View, size: Sequence[int]) -> Floats:
    """Maps of a view as maps of the image, whose `size` is (height, width). Shape: (N, K, h, w) to (N, K, H, W)."""
    maps = _resized(maps, size[::-1] if view.transposed else size)
    maps = maps.swapaxes(-1, -2) if view.transposed else maps
    return np.ascontiguousarray(np.flip(maps, view.flipped_axes))


def points_from_view(points: Floats, view: View, pairs: Pairs) -> Floats:
    """Points of a view as points of the image. Shape: (N, P, 2), (y, x) in [-1, 1]."""
    points = points[..., ::-1] if view.transposed else points
    points = points * np.array([-1 if view.upside_down else 1, -1 if view.mirrored else 1], np.float32)
    return points[:, mirrored_order(points.shape[1], pairs)] if view.is_reflection else points


def _resized(maps: Floats, size: Sequence[int]) -> Floats:
    """Bilinear, as by `torch.nn.functional.interpolate`. Shape: (N, K, h, w) to (N, K, *size)."""
    if tuple(size) == maps.shape[-2:]:
        return maps
    planes = maps.reshape(-1, *maps.shape[-2:])
    height, width = size
    resized = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in planes]
    return np.stack(resized).reshape(*maps.shape[:2], height, width)


def _softmax(logits: Floats) -> Floats:
    """Probabilities of the classes, in the same memory. Shape: (N, K, H, W)."""
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits
