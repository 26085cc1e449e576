"""A model comes back from its export, from a folder or a hub, and a file that does not fit is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from command_line import QUIET
from export_folder import copied, flipped
from fake_hub import serving

from triptych import MultiLabelClassifier, PointRegressor, UNetSegmenter
from triptych.errors import BadSampleError, MissingDataError
from triptych.export.hub import push_model
from triptych.exported import ExportedFolder
from triptych.tasks.load import load_model

pytestmark = [QUIET, pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")]

CLASSES = {"mask": UNetSegmenter, "point": PointRegressor, "labels": MultiLabelClassifier}


def test_a_model_of_an_export_is_the_model_of_the_checkpoint(export) -> None:
    expected = load_model(export.run.best)
    found = CLASSES[expected.target].from_pretrained(export.exported.folder)
    assert dict(found.hparams) == {name: expected.hparams[name] for name in found.hparams}
    assert found.form == expected.form
    ours, theirs = found.state_dict(), expected.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if name.startswith("network."))
    if isinstance(found, MultiLabelClassifier):
        torch.testing.assert_close(found.thresholds, expected.thresholds, equal_nan=True)


def test_a_model_that_was_pushed_is_fetched_by_its_name(streets_export, tmp_path: Path) -> None:
    with serving(tmp_path) as hub:
        assert push_model(streets_export.exported.folder, "me/streets").endswith("/me/streets")
        assert set(hub.models["me/streets"]) == {"README.md", "model.json", "model.onnx", "model.safetensors"}
        found = UNetSegmenter.from_pretrained("me/streets")
        with pytest.raises(ConnectionError, match=r"^me/nothing: no such folder here, and the Hugging Face hub"):
            UNetSegmenter.from_pretrained("me/nothing")
    expected = load_model(streets_export.run.best).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in found.state_dict().items())


def test_a_file_that_has_changed_is_neither_loaded_nor_pushed(streets_export, tmp_path: Path) -> None:
    folder = copied(streets_export.exported, tmp_path)
    flipped(folder / "model.safetensors")
    words = rf"^{folder}/model\.safetensors: expected the file that was exported .* export the model again\.$"
    with pytest.raises(BadSampleError, match=words):
        UNetSegmenter.from_pretrained(folder)
    with pytest.raises(BadSampleError, match=words):
        push_model(folder, "me/streets")


def test_a_model_of_another_task_and_a_missing_folder_are_refused(streets_export, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.json: task: PointRegressor predicts 'point', got a model for 'mask'"):
        PointRegressor.from_pretrained(streets_export.exported.folder)
    with pytest.raises(MissingDataError, match=f"^{tmp_path}/none: no such folder; expected one of `triptych export`"):
        UNetSegmenter.from_pretrained(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=f"^{tmp_path}/model.json: no such file"):
        UNetSegmenter.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder": "os.system"}, r"hyper_parameters: encoder: expected an encoder"),
        ({"path": "/"}, r"hyper_parameters: UNetSegmenter has no path\."),
        ({"loss": {"class_path": "os.system"}}, r"hyper_parameters: .*loss"),
        ({"num_classes": 3, "class_names": None}, r"expected the weights that model\.json describes; of another shape"),
    ],
)
def test_hyper_parameters_of_a_stranger_are_data(
    streets_export, changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    exported = ExportedFolder(copied(streets_export.exported, tmp_path))
    content = json.loads(exported.manifest.read_text(encoding="utf-8"))
    content["hyper_parameters"] |= changes
    exported.manifest.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadSampleError, match=words):
        UNetSegmenter.from_pretrained(exported.folder)


def test_weights_named_by_a_stranger_are_not_read(streets_export, tmp_path: Path) -> None:
    exported = ExportedFolder(copied(streets_export.exported, tmp_path))
    content = json.loads(exported.manifest.read_text(encoding="utf-8"))
    content["hyper_parameters"]["encoder_weights"] = str(tmp_path / "trap.pth")
    exported.manifest.write_text(json.dumps(content), encoding="utf-8")
    assert UNetSegmenter.from_pretrained(exported.folder).hparams["encoder_weights"] is None
