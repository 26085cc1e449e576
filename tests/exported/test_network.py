"""What is no model is refused in one line, and onnxruntime is silent."""

import sys
from pathlib import Path

import numpy as np
import pytest
from exported_files import write_exported

from triptych.errors import BadSampleError
from triptych.exported import ExportedFolder
from triptych.exported.network import _threads, open_network
from triptych.runtime import load


def test_a_folder_of_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model\.json: no such file; expected the folder of an exported model"):
        load(tmp_path)


def test_a_network_that_has_changed_since_the_export_is_refused(tmp_path: Path) -> None:
    onnx = ExportedFolder(write_exported(tmp_path, "mask")).onnx
    onnx.write_bytes(onnx.read_bytes() + b" ")
    with pytest.raises(BadSampleError, match=r"model\.onnx: expected the file that was exported"):
        load(tmp_path)


def test_what_onnxruntime_cannot_read_is_refused_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(BadSampleError, match=r"model\.onnx: expected a network that onnxruntime 1\.\S+ runs, got: \S"):
        open_network(path)
    assert capfd.readouterr() == ("", "")


def test_images_that_the_network_does_not_take_are_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_exported(tmp_path, "mask", channels=4)
    network = open_network(tmp_path / "model.onnx")
    with pytest.raises(RuntimeError, match=r"model\.onnx: cannot run on images \(1, 3, 8, 8\): \S.*") as raised:
        network(np.zeros((1, 3, 8, 8), np.uint8))
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_without_onnxruntime_the_package_to_install_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"onnxruntime is needed .*: `pip install triptych\[runtime\]`"):
        load(write_exported(tmp_path, "mask"))


@pytest.mark.parametrize(("given", "threads"), [("3", 3), ("", 5), ("0", 5), ("4,2", 5)])
def test_threads_are_as_many_as_the_user_sets_or_as_processors(monkeypatch, given: str, threads: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    monkeypatch.setattr("triptych.exported.network.processors", lambda: 5)
    assert _threads() == threads
