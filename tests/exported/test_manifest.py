"""`model.json` comes back as it was written, and another file is refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from triptych.errors import BadSampleError
from triptych.exported import DataCard, ExportedFolder, FileCard, Manifest, Scores

MANIFEST = Manifest(
    task="labels",
    encoder="resnet34",
    in_channels=4,
    image_size=(128, 96),
    names=["clear", "haze"],
    hyper_parameters={"num_labels": 2, "max_lr": [1e-4, 1e-3]},
    thresholds={"fixed": [0.2, 0.2]},
    data=DataCard("planet", "valid_fraction 0.2, seed 0", 640, "terms", "authors"),
    scores=Scores("valid_fraction 0.2, seed 0", 160, {"f2": 0.86}),
    versions={"PyTorch": "2.14.1"},
    files={"model.onnx": FileCard("0" * 64, 3)},
)


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    exported = ExportedFolder(tmp_path)
    exported.manifest.write_text(MANIFEST.text(), encoding="utf-8")
    assert exported.read() == MANIFEST


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, r"expected format 1 of an exported model, got 2\."),
        ({"task": "sound"}, r"task: expected one of mask, point, labels, category, got 'sound'\."),
        ({"input": "sound"}, r"input: expected one of image, text, got 'sound'\."),
        ({"image_size": None}, r"expected image_size and in_channels of a model of images, got null\."),
        ({"hyper_parameters": [3]}, r"expected the keys of an exported model; "),
        ({"scores": {"f2": 1}}, r"expected the keys of an exported model; .*f2"),
    ],
)
def test_another_form_is_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = ExportedFolder(tmp_path).manifest
    path.write_text(json.dumps(json.loads(MANIFEST.text()) | changes), encoding="utf-8")
    with pytest.raises(BadSampleError, match=f"^{path}: {words}"):
        Manifest.read(path)


def test_a_manifest_of_before_texts_is_that_of_images(tmp_path: Path) -> None:
    path = ExportedFolder(tmp_path).manifest
    path.write_text(json.dumps({key: value for key, value in json.loads(MANIFEST.text()).items() if key != "input"}))
    assert Manifest.read(path) == MANIFEST


def test_other_content_and_no_file_are_refused(tmp_path: Path) -> None:
    exported = ExportedFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"^{exported.manifest}: no such file; expected the folder of"):
        exported.read()
    exported.manifest.write_bytes(b"\xff")
    with pytest.raises(BadSampleError, match=f"^{exported.manifest}: expected the JSON of an exported model"):
        exported.read()


def test_a_listed_file_that_is_missing_or_has_changed_is_named(tmp_path: Path) -> None:
    exported = ExportedFolder(tmp_path)
    exported.manifest.write_text(MANIFEST.text(), encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=rf"^{exported.onnx}: no such file; export the model again\."):
        exported.read(exported.onnx)
    exported.onnx.write_bytes(b"new")
    with pytest.raises(BadSampleError, match=rf"^{exported.onnx}: expected the file that was exported \(SHA-256 0000"):
        exported.read(exported.onnx)
