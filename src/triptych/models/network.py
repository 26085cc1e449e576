"""What the three networks share: an encoder, its pixel statistics, layer groups and freezing."""

import torch
from torch import Tensor, nn

from triptych.models.depthwise import use_float32_gradients
from triptych.models.encoder import build_encoder
from triptych.models.layer_groups import LayerGroups, batch_norms, freeze_to, split_encoder


class TransferNetwork(nn.Module):
    """An encoder that takes plain pixels; a subclass adds what follows it.

    Args:
        encoder: Name of the encoder, as segmentation_models_pytorch knows it.
        encoder_weights: Name of its weights, path of a state dict, or None for random ones.
        in_channels: Channels of the images.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: str, encoder_weights: str | None, in_channels: int) -> None:
        super().__init__()
        self.encoder, stats = build_encoder(encoder, encoder_weights, in_channels)
        use_float32_gradients(self.encoder)
        for name, values in stats._asdict().items():
            self.register_buffer(name, 255 * torch.tensor(values).view(1, -1, 1, 1))

    @property
    def out_channels(self) -> list[int]:
        """Channels of the encoder's features, finest first."""
        return list(self.encoder.out_channels)  # type: ignore[arg-type]

    def normalize(self, images: Tensor) -> Tensor:
        """Pixels as the encoder's weights know them.

        Args:
            images: uint8 (N, C, H, W), or float in the same range of 0 to 255.

        Returns:
            float (N, C, H, W) in channels-last memory.

        Raises:
            ValueError: The images have another number of channels than the network.
        """
        if images.shape[1] != self.mean.shape[1]:
            raise ValueError(f"images: expected {self.mean.shape[1]} channels (in_channels), got {images.shape[1]}.")
        pixels = images.to(self.mean.dtype, memory_format=torch.channels_last)
        return (pixels - self.mean) / self.std

    def layer_groups(self) -> LayerGroups:
        """Parameters by group: early encoder, late encoder, and all that follows."""
        of_encoder = {id(p) for p in self.encoder.parameters()}
        return {**split_encoder(self.encoder), "head": [p for p in self.parameters() if id(p) not in of_encoder]}

    def freeze_to(self, first: int, train_bn: bool = True) -> None:
        """Freezes the groups before `first`; see `triptych.models.layer_groups.freeze_to`."""
        freeze_to(self, self.layer_groups(), first, train_bn)
        self.train(self.training)

    def train(self, mode: bool = True) -> "TransferNetwork":
        """As usual, but a batch-norm whose parameters are frozen stays as it is in evaluation."""
        super().train(mode)
        for norm in batch_norms(self):
            if norm.affine and not norm.weight.requires_grad:
                norm.eval()
        return self
