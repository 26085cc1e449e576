"""Our Lite encoders are those of segmentation_models_pytorch's deprecated names, weight for weight."""

import warnings

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from torch import nn

from triptych.models.encoder import build_encoder
from triptych.models.lite import LiteEncoder


def library_encoder(name: str) -> nn.Module:
    """The encoder that segmentation_models_pytorch builds; skips once it has dropped the name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return smp.encoders.get_encoder(name, weights=None)
    except KeyError:
        pytest.skip(f"segmentation_models_pytorch has no {name} any more")


@pytest.mark.parametrize("size", [0, 1, 2])
def test_weights_and_features_are_those_of_the_library(size) -> None:
    theirs, ours = library_encoder(f"timm-tf_efficientnet_lite{size}"), LiteEncoder(size)
    shapes = [{key: tensor.shape for key, tensor in one.state_dict().items()} for one in (ours, theirs)]
    assert list(shapes[0].items()) == list(shapes[1].items())
    ours.load_state_dict(theirs.state_dict())
    assert (ours.out_channels, ours.output_stride) == (theirs.out_channels, theirs.output_stride)
    assert count_by_stage(ours) == count_by_stage(theirs)
    images = torch.randn(2, 3, 64, 96)
    for train in (True, False):  # with dropped paths, and without
        features = []
        for encoder in (ours, theirs):
            torch.manual_seed(0)
            features.append(encoder.train(train)(images))
        assert all(torch.equal(one, other) for one, other in zip(*features, strict=True))


def count_by_stage(encoder) -> dict[int, int]:
    return {stride: sum(len(m.state_dict()) for m in modules) for stride, modules in encoder.get_stages().items()}


def test_the_universal_encoder_of_the_same_network_has_other_features() -> None:
    universal = smp.encoders.get_encoder("tu-tf_efficientnet_lite0", weights=None)
    assert (universal.out_channels[1], LiteEncoder(0).out_channels[1]) == (16, 32)


def test_a_state_dict_of_timms_whole_model_is_taken_without_its_classifier(tmp_path) -> None:
    whole = timm.create_model("efficientnet_lite0").state_dict()
    torch.save(whole, tmp_path / "whole.pth")
    encoder, _ = build_encoder("timm-tf_efficientnet_lite0", str(tmp_path / "whole.pth"), 3)
    assert all(torch.equal(tensor, whole[key]) for key, tensor in encoder.state_dict().items())


@pytest.mark.parametrize("name", ["timm-mobilenetv3_small_minimal_100", "timm-regnetx_002", "timm-gernet_s"])
def test_names_that_the_library_replaces_build_the_same_encoder_as_before(name) -> None:
    theirs = library_encoder(name)
    ours, _ = build_encoder(name, None, 3)  # a DeprecationWarning would be an error
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(1, 3, 64, 64)
    for one, other in zip(ours.eval()(images), theirs.eval()(images), strict=True):
        assert torch.equal(one, other)
