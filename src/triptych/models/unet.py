"""U-Net: segmentation_models_pytorch's encoder and decoder, for images of any height and width."""

import segmentation_models_pytorch as smp
from torch import Tensor
from torch.nn import functional as F

from triptych.models.network import Encoded, TransferNetwork

_DECODER_CHANNELS = (256, 128, 64, 32, 16)


class UNet(TransferNetwork):
    """Predicts the logits of all classes for each pixel.

    Args:
        num_classes: Number of classes, including void if it is one.
        encoder: Name of the encoder in segmentation_models_pytorch.
        encoder_weights: Name of its weights, path of a state dict, or None for random ones.
        in_channels: Channels of the images.

    Shape: images uint8 (N, C, H, W) of any height and width; result float (N, num_classes, H, W).
    Source: Ronneberger, Fischer, Brox, "U-Net", 2015; decoder of segmentation_models_pytorch.
    """

    def __init__(self, num_classes: int, encoder: str, encoder_weights: str | None, in_channels: int = 3) -> None:
        super().__init__(encoder, encoder_weights, in_channels)
        self.decoder = smp.decoders.unet.decoder.UnetDecoder(
            self.out_channels, _DECODER_CHANNELS, add_center_block=encoder.startswith("vgg")
        )
        self.head = smp.base.SegmentationHead(_DECODER_CHANNELS[-1], num_classes)
        smp.base.initialization.initialize_decoder(self.decoder)
        smp.base.initialization.initialize_head(self.head)
        self.complete()

    def encode(self, images: Tensor) -> Encoded:
        height, width = images.shape[-2:]
        stride = int(self.encoder.output_stride)  # type: ignore[arg-type]
        # the encoder halves the sides five times; the padding is cropped from the logits and never scored
        pixels = F.pad(
            self.normalize(images),
            (0, (stride - width % stride) % stride, 0, (stride - height % stride) % stride),
            mode="replicate",
        )
        finest, *maps = self.encoder(pixels)
        return Encoded((height, width), [finest[:, :0], *maps])  # of the finest the decoder takes the size alone

    def decode(self, encoded: Encoded) -> Tensor:
        height, width = encoded.size
        logits: Tensor = self.head(self.decoder(encoded.maps))
        return logits[..., :height, :width]
