"""A run that is exported answers, without torch, what `triptych predict` writes for the same file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import QUIET
from PIL import Image

from triptych.datamodules.saved_data import saved_data
from triptych.runtime import load
from triptych.tasks.load import load_model

pytestmark = [QUIET, pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")]


def test_the_runtime_answers_as_predict_does(export, tmp_path: Path) -> None:
    path = tmp_path / "photograph.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(45, 77, 3), dtype=np.uint8)).save(path)
    model, data = load_model(export.run.best).eval(), saved_data(export.run.folder)
    data.predict_path = str(path)
    data.setup("predict")
    (batch,) = data.predict_dataloader()
    with torch.inference_mode():
        (expected,) = model.predict_step(batch, 0)
    result = load(export.exported.folder)(path)
    if model.target == "mask":
        assert (result.mask == expected.numpy()).mean() >= 0.9999
    elif model.target == "point":
        np.testing.assert_allclose(result.points, expected.numpy(), atol=0.01)
    else:
        assert result.probabilities == pytest.approx(dict(zip(model.tags, expected.tolist(), strict=True)), abs=1e-4)
        assert result.tags == pytest.approx(model.readable(expected), abs=1e-4)
