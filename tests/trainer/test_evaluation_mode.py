"""After a fit a model on the CPU is evaluated on the accelerator, and returns."""

from typing import Any

import lightning as L
import pytest
import torch
from PIL import Image

from triptych import plot_confusion, show_prediction, show_results, show_top_losses, top_losses
from triptych.trainer.evaluation_mode import evaluation_device, evaluation_mode

CPU, ACCELERATOR = torch.device("cpu"), torch.device("cpu:0")
"""The stand-in for an accelerator differs from the CPU by its name alone, so that everything runs on it."""


@pytest.fixture
def accelerator(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: ACCELERATOR)
    return ACCELERATOR


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch, panel: Any) -> list[torch.device]:
    """The device of the model in each of its forward passes."""
    devices: list[torch.device] = []
    panel.model.register_forward_pre_hook(lambda model, _: devices.append(model.device))
    return devices


CALLS = {
    "predict": lambda model, data: model.predict(Image.new("RGB", (64, 64))),
    "show_prediction": lambda model, data: show_prediction(model, data, Image.new("RGB", (64, 64))),
    "show_results": lambda model, data: show_results(model, data, rows=1),
    "show_top_losses": lambda model, data: show_top_losses(model, data, k=1),
    "top_losses": top_losses,
    "plot_confusion": plot_confusion,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_model_is_evaluated_on_the_accelerator_and_returns_to_the_cpu(panel, accelerator, visited, call) -> None:
    if call == "plot_confusion" and panel.model.target == "point":
        pytest.skip("points have no confusion")
    before = {name: tensor.clone() for name, tensor in panel.model.state_dict().items()}
    CALLS[call](*panel)
    assert {*map(repr, visited)} == {repr(ACCELERATOR)}
    assert repr(panel.model.device) == repr(CPU)
    torch.testing.assert_close(dict(panel.model.state_dict()), before, rtol=0, atol=0, equal_nan=True)


def test_without_an_accelerator_it_stays(panel, visited) -> None:
    top_losses(*panel)
    assert {*map(repr, visited)} == {repr(CPU)}


def test_a_model_returns_after_a_failure_too(make_panel, accelerator) -> None:
    model, _ = make_panel("planet")
    with pytest.raises(RuntimeError, match="broken"), evaluation_mode(model):
        assert repr(model.device) == repr(ACCELERATOR)
        raise RuntimeError("broken")
    assert repr(model.device) == repr(CPU)


def test_the_device_of_its_trainer_is_that_of_the_model_even_beside_an_accelerator(
    make_panel, accelerator, tmp_path
) -> None:
    model, data = make_panel("planet")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    L.Trainer(accelerator="cpu", default_root_dir=tmp_path, **quiet).validate(model, data, verbose=False)
    assert repr(evaluation_device(model)) == repr(CPU)


def test_a_model_that_is_on_an_accelerator_already_stays_there(make_panel, accelerator) -> None:
    assert evaluation_device(make_panel("planet").model.to("meta")) == torch.device("meta")
