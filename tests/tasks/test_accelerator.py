"""A training step makes the host wait for no accelerator, and can be deterministic on CUDA.

The step runs on the device "meta", whose values no host can read: what asks for one raises an error.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_fit import TINY
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from triptych import MultiLabelClassifier, PointRegressor, UNetSegmenter
from triptych.models.encoder import OFFLINE_ENCODER
from triptych.tasks.base import TransferTask

TASKS: dict[type[TransferTask], dict[str, Any]] = {
    UNetSegmenter: {"num_classes": 4, "ignore_index": 2, "class_weights": [1.0, 2.0, 3.0, 4.0]},
    PointRegressor: {"num_points": 2},
    MultiLabelClassifier: {"num_labels": 4, "tag_weights": [1.0, 2.0, 3.0, 4.0]},
}
EVERY_LOSS = [(task, name) for task in TASKS for name in task.losses]

RAISING = {
    "avg_pool3d_backward",
    *("_adaptive_avg_pool2d_backward", "_adaptive_avg_pool3d_backward", "adaptive_max_pool2d_backward"),
    *("fractional_max_pool2d_backward", "fractional_max_pool3d_backward", "max_unpool2d", "max_unpool3d"),
    *("upsample_linear1d_backward", "upsample_bilinear2d_backward", "upsample_bicubic2d_backward"),
    *("upsample_trilinear3d_backward", "_upsample_bilinear2d_aa_backward", "_upsample_bicubic2d_aa_backward"),
    *("reflection_pad1d_backward", "reflection_pad2d_backward", "reflection_pad3d_backward"),
    *("nll_loss2d_forward", "nll_loss2d_backward", "_ctc_loss_backward", "put_", "histc", "median"),
    *("grid_sampler_2d_backward", "grid_sampler_3d_backward", "_embedding_bag_dense_backward"),
}
"""Operations without a deterministic implementation on CUDA, from the documentation of
`torch.use_deterministic_algorithms`; `nll_loss2d` is cross-entropy of images."""


class Recorded(TorchDispatchMode):
    """Records the names of all operations, and fails if one moves a tensor between the CPU and the accelerator."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self.names.add(name)
        result = func(*args, **(kwargs or {}))
        devices = {one.device.type for one in (*args, result) if isinstance(one, Tensor)}
        assert not (name in ("_to_copy", "copy_") and len(devices) > 1), f"{func} between {devices}"
        return result


class NoNewTensors(TorchFunctionMode):
    """Fails if numbers of the host become a tensor on an accelerator, a copy that no dispatch mode sees."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in ("tensor", "as_tensor", "new_tensor"):
            assert result.device.type == "cpu", f"{func} of {args}"
        return result


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Callable[..., set[str]]:
    """Runs a training step, forward and backward, on the device "meta"; returns the names of its operations."""

    def run(task: type[TransferTask], **arguments: Any) -> set[str]:
        model = task(**{**TINY, **TASKS[task], **arguments}).to("meta").train()
        monkeypatch.setattr(model, "log", lambda *_, **__: None)
        batch = {"image": torch.zeros(3, 3, 64, 96, dtype=torch.uint8), "size": torch.ones(3, 2, dtype=torch.int64)}
        batch["mask"] = torch.zeros(3, 64, 96, dtype=torch.int64)
        batch |= {"point": torch.zeros(3, 2, 2), "labels": torch.zeros(3, 4), "only_resized": torch.ones(3).bool()}
        batch = {key: value.to("meta") for key, value in batch.items()}
        model.training_step(batch, 0).backward()  # the first step copies weights of classes
        with NoNewTensors(), Recorded() as recorded:
            model.training_step(batch, 1).backward()
        return recorded.names

    return run


@pytest.mark.parametrize(("task", "name"), EVERY_LOSS)
def test_the_host_waits_in_no_training_step_and_every_operation_of_it_can_be_deterministic(step, task, name) -> None:
    names = step(task, loss=name)
    assert names >= {"convolution", "convolution_backward"}
    assert names & RAISING == set()


def test_the_host_does_not_wait_for_a_sum_of_losses_without_weights(step) -> None:
    assert step(UNetSegmenter, loss=["cross_entropy", "lovasz"], class_weights=None, ignore_index=None)


def test_floating_point_images_are_not_read_again_in_a_training_step() -> None:
    model = UNetSegmenter(**TINY, num_classes=4).to("meta")
    images = torch.zeros(2, 3, 32, 32, device="meta")
    model.train()(images)
    with pytest.raises(RuntimeError, match="meta"):
        model.eval()(images)


@pytest.mark.parametrize("encoder", ["resnet34", OFFLINE_ENCODER, "efficientnet-b0", "se_resnet50"])
def test_shipped_and_common_encoders_can_be_deterministic(step, encoder) -> None:
    assert step(UNetSegmenter, encoder=encoder) & RAISING == set()  # it has every feature of an encoder in its sum


@pytest.mark.parametrize(
    "waits",
    [
        lambda x: float(x.sum()),
        lambda x: x[x > 0],
        lambda x: max(x.sum(), 1e-12),
        lambda x: x * torch.tensor([1.0, 2.0], device="meta"),
        lambda x: x * torch.tensor([1.0, 2.0]).to("meta"),
    ],
)
def test_what_makes_the_host_wait_is_found(waits) -> None:
    with NoNewTensors(), Recorded(), pytest.raises((RuntimeError, NotImplementedError, AssertionError)):
        waits(torch.ones(2, device="meta"))


def test_the_list_of_raising_operations_is_that_of_this_torch() -> None:
    """If this fails after an update of torch, extend `RAISING`."""
    text = torch.use_deterministic_algorithms.__doc__.split("will throw a\n    :class:`RuntimeError` when ``mode")[1]
    named = set(re.findall(r"^ {8}\* :\w+:`([\w.]+)`", text, re.MULTILINE))
    covered = {
        *("torch.nn.AvgPool3d", "torch.nn.AdaptiveAvgPool2d", "torch.nn.AdaptiveAvgPool3d"),
        *("torch.nn.AdaptiveMaxPool2d", "torch.nn.FractionalMaxPool2d", "torch.nn.FractionalMaxPool3d"),
        *("torch.nn.MaxUnpool1d", "torch.nn.MaxUnpool2d", "torch.nn.MaxUnpool3d", "torch.nn.functional.interpolate"),
        *("torch.nn.ReflectionPad1d", "torch.nn.ReflectionPad2d", "torch.nn.ReflectionPad3d", "torch.nn.NLLLoss"),
        *("torch.nn.CTCLoss", "torch.nn.EmbeddingBag", "torch.Tensor.put_", "torch.histc", "torch.median"),
        "torch.nn.functional.grid_sample",
    }
    elsewhere = {"torch.bincount", "torch.Tensor.scatter_reduce", "torch.Tensor.resize_"}  # only with certain arguments
    assert named <= covered | elsewhere
