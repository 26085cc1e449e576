"""Network for point regression."""

from torch import Tensor

from triptych.models.heads import HeatmapHead
from triptych.models.network import Encoded, TransferNetwork


class PointNetwork(TransferNetwork):
    """Predicts the position of each point in an image.

    Args:
        num_points: Number of points.
        encoder: Name of the encoder in segmentation_models_pytorch.
        encoder_weights: Name of its weights, path of a state dict, or None for random ones.
        in_channels: Channels of the images.

    Shape: images uint8 (N, C, H, W) of any height and width; result float32 (N, num_points, 2) as (y, x) in [-1, 1].
    """

    def __init__(self, num_points: int, encoder: str, encoder_weights: str | None, in_channels: int = 3) -> None:
        super().__init__(encoder, encoder_weights, in_channels)
        stride = int(self.encoder.output_stride) // 4  # type: ignore[arg-type]  # of the finest of three features
        self.head = HeatmapHead(self.out_channels[-3:], num_points, stride)
        self.complete()

    def encode(self, images: Tensor) -> Encoded:
        return Encoded(images.shape[-2:], self.encoder(self.normalize(images))[-3:])

    def decode(self, encoded: Encoded) -> Tensor:
        points: Tensor = self.head(encoded.maps, encoded.size)
        return points
