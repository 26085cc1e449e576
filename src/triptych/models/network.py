"""Base class of the networks of images: an encoder and its pixel statistics."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from triptych.models.batch_norm import accept_one_value
from triptych.models.depthwise import use_float32_gradients
from triptych.models.encoder import build_encoder
from triptych.models.grouped_network import GroupedNetwork
from triptych.models.layer_groups import LayerGroups, split_encoder
from triptych.models.strided import use_subsampling


class Encoded(NamedTuple):
    """What the layers after the encoder start from."""

    size: Sequence[int]
    """(height, width) of the images in pixels."""
    maps: list[Tensor]
    """Features, each (N, C_i, H_i, W_i), finest first; or (N, C) where they are pooled."""


class TransferNetwork(GroupedNetwork):
    """Base network of images: an encoder of plain pixels; a subclass adds the layers after it, and calls `complete`.

    It writes `encode` and `decode`. A frozen encoder gives the same for an image in every epoch, so `encode` can be
    called once, and `decode` many times.

    Args:
        encoder: Name of the encoder in segmentation_models_pytorch.
        encoder_weights: Name of its weights, path of a state dict, or None for random ones.
        in_channels: Channels of the images.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: str, encoder_weights: str | None, in_channels: int) -> None:
        super().__init__()
        self.encoder, stats = build_encoder(encoder, encoder_weights, in_channels)
        use_float32_gradients(self.encoder)
        use_subsampling(self.encoder)
        for name, values in stats._asdict().items():
            self.register_buffer(name, 255 * torch.tensor(values).view(1, -1, 1, 1))

    def complete(self) -> None:
        """Prepares all layers for a fast training that takes any batch; ends the constructor of a subclass."""
        accept_one_value(self)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        return self.decode(self.encode(images))

    def encode(self, images: Tensor) -> Encoded:
        """All that no layer after the encoder has a part in. Shape: uint8 (N, C, H, W)."""
        raise NotImplementedError

    def decode(self, encoded: Encoded) -> Tensor:
        """The output of the network for what `encode` gave."""
        raise NotImplementedError

    @property
    def out_channels(self) -> list[int]:
        """Channels of the encoder's features, finest first."""
        return list(self.encoder.out_channels)  # type: ignore[arg-type]

    def normalize(self, images: Tensor) -> Tensor:
        """Normalises pixels by the statistics of the encoder's weights.

        Args:
            images: uint8 (N, C, H, W), or float in the same range of 0 to 255.

        Returns:
            float (N, C, H, W) in channels-last memory.

        Raises:
            ValueError: The number of channels differs from the network's.
        """
        if images.shape[1] != self.mean.shape[1]:
            raise ValueError(f"images: expected {self.mean.shape[1]} channels (in_channels), got {images.shape[1]}.")
        pixels = images.to(self.mean.dtype, memory_format=torch.channels_last)
        return (pixels - self.mean) / self.std

    def layer_groups(self) -> LayerGroups:
        """Parameters by group: early encoder, late encoder, and all layers after it."""
        encoder_ids = {id(p) for p in self.encoder.parameters()}
        return {**split_encoder(self.encoder), "head": [p for p in self.parameters() if id(p) not in encoder_ids]}
