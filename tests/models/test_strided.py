"""`SubsampledConv2d` is a plain strided convolution whose gradient in channels-last memory is right on every CPU."""

import copy
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from triptych.models.strided import SubsampledConv2d, use_subsampling

AFFECTED = [
    {"in_channels": 3, "stride": 2},
    {"in_channels": 15, "stride": 2, "bias": False},
    {"in_channels": 4, "stride": (2, 3)},
    {"in_channels": 1, "stride": (1, 2)},
]
OTHERS = [
    {"in_channels": 16, "stride": 2},
    {"in_channels": 3},
    {"in_channels": 3, "stride": 2, "padding": 1},
    {"in_channels": 3, "stride": 2, "groups": 3},
    {"in_channels": 3, "stride": 2, "kernel_size": 3, "padding": 1},
]
TRAIN = """
import torch
from triptych import MultiLabelClassifier
model = MultiLabelClassifier(3, encoder="mobileone_s0", encoder_weights=None)
images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
for _ in range(3):
    model.mean_loss(model(images), torch.ones(2, 3)).backward()
print("survived", model.network.encoder.stage0.rbr_conv[0].conv.weight.is_contiguous())
"""


def turned(**arguments) -> tuple[nn.Conv2d, nn.Conv2d]:
    """A plain convolution, and its copy after `use_subsampling`."""
    torch.manual_seed(0)
    plain = nn.Conv2d(**{"kernel_size": 1, "out_channels": 6, **arguments})
    ours = copy.deepcopy(plain)
    use_subsampling(ours)
    return plain, ours


@pytest.mark.parametrize("size", [(8, 12), (7, 11)])
@pytest.mark.parametrize("arguments", AFFECTED)
def test_output_and_gradients_are_those_of_the_plain_convolution(arguments, size) -> None:
    plain, ours = turned(**arguments)
    assert type(ours) is SubsampledConv2d
    images = torch.randn(2, arguments["in_channels"], *size)
    found = []
    # in contiguous memory the plain one is right
    for conv, memory_format in ((plain, torch.contiguous_format), (ours, torch.channels_last)):
        pixels = images.clone(memory_format=memory_format).requires_grad_()
        output = conv.to(memory_format=memory_format)(pixels)
        output.square().sum().backward()
        found.append([output, pixels.grad, *(parameter.grad for parameter in conv.parameters())])
        with torch.no_grad():
            torch.testing.assert_close(conv(pixels), output)
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("arguments", OTHERS)
def test_other_convolutions_stay_as_they_are(arguments) -> None:
    _, ours = turned(**arguments)
    assert type(ours) is nn.Conv2d


@pytest.mark.slow
@pytest.mark.parametrize("instructions", ["AVX2", "DEFAULT"])
def test_mobileone_trains_in_channels_last(instructions) -> None:
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": instructions, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", TRAIN]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (0, "survived False\n"), done.stderr
