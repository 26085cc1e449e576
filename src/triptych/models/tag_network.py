"""Network for multi-label classification."""

from torch import Tensor

from triptych.models.heads import PooledHead
from triptych.models.network import Encoded, TransferNetwork


class TagNetwork(TransferNetwork):
    """Predicts a logit for each tag of an image.

    Args:
        num_labels: Number of tags.
        encoder: Name of the encoder in segmentation_models_pytorch.
        encoder_weights: Name of its weights, path of a state dict, or None for random ones.
        in_channels: Channels of the images.

    Shape: images uint8 (N, C, H, W) of any height and width; logits float (N, num_labels).
    """

    def __init__(self, num_labels: int, encoder: str, encoder_weights: str | None, in_channels: int = 3) -> None:
        super().__init__(encoder, encoder_weights, in_channels)
        self.head = PooledHead(self.out_channels[-1], num_labels)
        self.complete()

    def encode(self, images: Tensor) -> Encoded:
        return Encoded(images.shape[-2:], [self.head.pool(self.encoder(self.normalize(images))[-1])])

    def decode(self, encoded: Encoded) -> Tensor:
        logits: Tensor = self.head(encoded.maps[0])
        return logits
