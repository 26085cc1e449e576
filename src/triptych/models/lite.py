"""EfficientNet-Lite encoders with the features of segmentation_models_pytorch's `timm-tf_efficientnet_lite` names."""

from collections.abc import Mapping
from typing import Any

import timm
from torch import Tensor, nn


class LiteEncoder(nn.Module):
    """The layers of timm's EfficientNet-Lite, which has the padding and batch-norm of these encoders.

    The state dict and the features are those of segmentation_models_pytorch's encoder. Its `tu-tf_efficientnet_lite`
    differs: it pads as TensorFlow does, and its first features come after the first block and not after the stem.

    Args:
        size: 0 for Lite0, 1 for Lite1, and so on.

    Shape: images (N, C, H, W); six features, the image first, the others at strides 2, 4, 8, 16 and 32.
    Source: Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020.
    """

    output_stride = 32
    conv_stem: nn.Conv2d
    bn1: nn.Module
    blocks: nn.Sequential

    def __init__(self, size: int) -> None:
        super().__init__()
        model: Any = timm.create_model(f"efficientnet_lite{size}", drop_path_rate=0.2)
        self.conv_stem, self.bn1, self.blocks = model.conv_stem, model.bn1, model.blocks
        self.conv_head, self.bn2 = model.conv_head, model.bn2  # unused, but in the state dict
        self._block_channels = [stage["num_chs"] for stage in model.feature_info[1:]]

    @property
    def out_channels(self) -> list[int]:
        """Channels of the features, finest first."""
        return [self.conv_stem.in_channels, self.conv_stem.out_channels, *self._block_channels]

    def get_stages(self) -> dict[int, list[nn.Module]]:
        """The modules at strides 16 and 32."""
        return {16: [self.blocks[3:5]], 32: [self.blocks[5:]]}

    def forward(self, images: Tensor) -> list[Tensor]:
        features = [images, self.bn1(self.conv_stem(images))]
        for start, end in ((0, 2), (2, 3), (3, 5), (5, 7)):
            features.append(self.blocks[start:end](features[-1]))
        return features

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Loads a state dict; also one of timm's whole model, without its classifier."""
        kept = {key: tensor for key, tensor in state_dict.items() if not key.startswith("classifier.")}
        return super().load_state_dict(kept, *args, **options)
