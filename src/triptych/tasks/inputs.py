"""The form of what goes into a model: checked in one place, for training, prediction and a plain call."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from triptych.datasets.sample import Target
from triptych.images import GivenImage, Scale, given_pixels

_FAR = 3.0
"""Where all points lie beyond this, they are in pixels and not in [-1, 1]."""


def check_images(images: Any, in_channels: int, in_step: bool = False) -> Tensor:
    """Images as the model takes them: plain pixels in [0, 255], (N, C, H, W).

    Args:
        images: The images.
        in_channels: Channels of the model.
        in_step: Whether they are a training batch, which `check_batch` has seen. The range of float images on a GPU is
            then not checked again, since the host would wait for it.

    Raises:
        ValueError: They have another form, or are scaled or normalised already.
    """
    if not isinstance(images, Tensor) or images.ndim != 4:
        got = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(f"images: expected a tensor (N, C, H, W), got {got}.")
    if images.shape[1] != in_channels:
        raise ValueError(f"images: expected {in_channels} channels (in_channels), got {images.shape[1]}.")
    if images.dtype != torch.uint8 and not (in_step and images.device.type != "cpu"):
        low, high = float(images.min()), float(images.max())
        if not 0 <= low <= high <= 255 or high <= 1:
            raise ValueError(
                f"images: expected plain pixels, uint8 in [0, 255], got {_type(images)} in [{low:.3g}, {high:.3g}]; "
                "leave out scaling and normalisation, the model normalises by itself."
            )
    return images


def check_batch(batch: Any, target: Target, in_channels: int, outputs: int | None, void: int | None) -> Any:
    """A batch as the steps take it: what is unambiguous is brought into form, all else is refused.

    Args:
        batch: A mapping of the keys of `Batch`; a pair of images and targets; or images alone.
        target: The key of the target.
        in_channels: Channels of the images.
        outputs: Number of classes, points or tags; None leaves it unchecked.
        void: Class id of void pixels, which need not be a class.

    Returns:
        The batch with `image`, `size` if it was left out, and the target if there is one.

    Raises:
        ValueError: Something has another form, type or range than the task needs.
    """
    if isinstance(batch, Tensor):
        batch = {"image": batch}
    elif isinstance(batch, (list, tuple)) and len(batch) == 2:
        batch = {"image": batch[0], target: batch[1]}
    if not isinstance(batch, Mapping) or "image" not in batch:
        got = f"the keys {', '.join(map(str, batch))}" if isinstance(batch, Mapping) else type(batch).__name__
        raise ValueError(f"batch: expected image and {target} as a mapping, or a pair (image, {target}), got {got}.")
    images = check_images(batch["image"], in_channels)
    checked = {"size": torch.tensor([images.shape[-2:]] * len(images)), **batch}
    if target in batch:
        value = batch[target]
        if not isinstance(value, Tensor) or len(value) != len(images):
            got = str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"{target}: expected a tensor with one entry for each of {len(images)} images, got {got}.")
        if target == "mask":
            checked[target] = _mask(value, images, outputs, void)
        elif target == "point":
            checked[target] = _points(value, outputs)
        else:
            checked[target] = _labels(value, outputs)
    return checked


def _mask(mask: Tensor, images: Tensor, num_classes: int | None, void: int | None) -> Tensor:
    """Class ids, int64 (N, H, W)."""
    if mask.ndim == 4 and mask.shape[1] == 1:
        mask = mask[:, 0]
    if mask.is_floating_point() or mask.is_complex() or mask.dtype == torch.bool or mask.shape[1:] != images.shape[2:]:
        expected = (len(images), *images.shape[2:])
        raise ValueError(f"mask: expected class ids, int64 {expected}, got {_type(mask)} {tuple(mask.shape)}.")
    mask = mask.long()
    if num_classes is not None:
        wrong = (mask < 0) | (mask >= num_classes)
        wrong = wrong if void is None else wrong & (mask != void)
        if wrong.any():
            ids = f"0 to {num_classes - 1}" + ("" if void is None else f", or {void} for void")
            raise ValueError(f"mask: expected class ids {ids} (num_classes {num_classes}), got {int(mask[wrong][0])}.")
    return mask


def _points(points: Tensor, num_points: int | None) -> Tensor:
    """Points, float (N, P, 2); NaN for a missing point."""
    if points.ndim == 2 and points.shape[1] == 2 and num_points == 1:
        points = points[:, None]
    if points.ndim != 3 or points.shape[2] != 2 or num_points not in (None, points.shape[1]):
        raise ValueError(
            f"point: expected (y, x) of {num_points} points, (N, {num_points}, 2), got {tuple(points.shape)}."
        )
    points = points if points.is_floating_point() else points.float()
    known = points[~points.isnan().any(dim=-1)]
    beyond = (known.abs() > _FAR).any(dim=-1)  # one alone may be a point far outside of its image
    in_pixels = len(known) > 0 and beyond.all() and (len(known) > 1 or (known == known.round()).all())
    if in_pixels or not known.isfinite().all():
        raise ValueError(
            f"point: expected (y, x) in [-1, 1] of the image, or NaN for a missing point, got "
            f"{float(known.abs().max()):.4g}; pixels become 2 * px / size - 1."
        )
    return points


def _labels(labels: Tensor, num_labels: int | None) -> Tensor:
    """0 or 1 for each tag, float (N, L)."""
    if labels.ndim != 2 or num_labels not in (None, labels.shape[1]):
        raise ValueError(
            f"labels: expected 0 or 1 for each of {num_labels} tags, (N, {num_labels}), got {tuple(labels.shape)}."
        )
    labels = labels if labels.is_floating_point() else labels.float()
    if not ((labels >= 0) & (labels <= 1)).all():
        raise ValueError(
            f"labels: expected values in [0, 1], got {float(labels.min()):.4g} to {float(labels.max()):.4g}."
        )
    return labels


def read_image(image: GivenImage, in_channels: int, scale: Scale | None = None) -> Tensor:
    """An image as a tensor uint8 (C, H, W); see `triptych.images.given_pixels`."""
    return torch.from_numpy(np.ascontiguousarray(given_pixels(image, in_channels, scale).transpose(2, 0, 1)))


def as_list(images: Any) -> Sequence[Any]:
    """The images of a list or tuple, or the one that there is."""
    return images if isinstance(images, (list, tuple)) else [images]


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
