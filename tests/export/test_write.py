"""An export answers as the model does at any size, says what the model is, and is written whole or not at all."""

import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from command_line import QUIET
from export_folder import ENCODER, copied
from PIL import Image
from small_fit import TINY, Case, data_of, fit
from torch import nn

from triptych import UNetSegmenter, export_model
from triptych.datamodules.saved_data import saved_data
from triptych.errors import MissingDataError
from triptych.evaluation.validate import validate
from triptych.export import write
from triptych.export.examples import Example
from triptych.export.graph import OUTPUTS, PlainNetwork, plain_network, write_graph
from triptych.exported import ExportedFolder
from triptych.runtime import load
from triptych.tasks.load import load_model

pytestmark = [QUIET, pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")]


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 31, 97), (3, 64, 40), (2, 130, 33)])
def test_the_graph_answers_as_the_model_does_at_sizes_that_the_export_has_not_checked(export, shape) -> None:
    model = load_model(export.run.best).eval()
    images = torch.randint(0, 256, (shape[0], 3, *shape[1:]), dtype=torch.uint8)
    with torch.no_grad():
        expected = model(images)
    expected = expected.sigmoid() if model.target == "labels" else expected
    session = onnxruntime.InferenceSession(str(export.exported.onnx))
    (found,) = session.run([OUTPUTS[model.target]], {"images": images.numpy()})
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4 * max(1, float(np.ptp(expected.numpy()))))


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


def test_its_scores_are_those_of_the_checkpoint_on_the_split_that_it_names(export) -> None:
    model, data = load_model(export.run.best), saved_data(export.run.folder)
    scores = export.exported.read().scores
    expected = validate(model, data, accelerator="cpu")
    assert {f"val/{name}" for name in scores.values} == {*expected} - {"val/loss"}
    assert scores.values == pytest.approx({key: expected[f"val/{key}"] for key in scores.values}, abs=5e-5)
    assert (scores.split, scores.samples) == (data.parts.how, len(data.parts.val))


def test_the_manifest_says_what_the_model_is_and_the_files_are_those_it_lists(export) -> None:
    model, exported = load_model(export.run.best), export.exported
    manifest = exported.read(exported.onnx, exported.weights, exported.card)
    assert {path.name for path in exported.folder.iterdir()} == {*manifest.files, "model.json"}
    assert (manifest.task, manifest.encoder, manifest.precision) == (model.target, ENCODER, "float32")
    assert manifest.image_size == saved_data(export.run.folder).image_size
    assert manifest.data.train == len(saved_data_parts(export.run.folder).train)
    text = exported.card.read_text(encoding="utf-8")
    assert all(name in text for name in manifest.names)
    assert all(f"| {name} | {value:#.4g} |" in text for name, value in manifest.scores.values.items())


def saved_data_parts(run: Path):
    data = saved_data(run)
    data.setup("validate")
    return data.parts


def test_no_file_can_hold_a_pickle(export) -> None:
    for path in export.exported.folder.iterdir():
        assert not re.match(rb"PK\x03\x04|\x80[\x02-\x05]", path.read_bytes()[:4])


def test_an_earlier_export_is_replaced_as_a_whole(streets_export, tmp_path: Path) -> None:
    output = copied(streets_export.exported, tmp_path)
    (output / "model.onnx").write_bytes(b"old")
    (output / "left_over.txt").touch()
    assert export_model(streets_export.run.folder, output) == output
    exported = ExportedFolder(output)
    exported.read(exported.onnx)
    assert not (output / "left_over.txt").exists()
    assert [*tmp_path.iterdir()] == [output]


def test_a_folder_of_something_else_is_not_written(streets_export, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.touch()
    with pytest.raises(FileExistsError, match=f"^{tmp_path}: expected a new or empty folder, or an earlier export"):
        export_model(streets_export.run.folder, tmp_path)
    with pytest.raises(FileExistsError, match=f"^{note}: expected a folder to write, got a file"):
        export_model(streets_export.run.folder, note)
    assert [*tmp_path.iterdir()] == [note]


def test_a_graph_that_is_not_the_model_is_refused_and_nothing_is_left(
    streets_export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_a_fixed_size(network: PlainNetwork, example: Example, path: Path) -> None:
        write_graph(PlainNetwork(Cropping(network.network), network.target).eval(), example, path)

    monkeypatch.setattr(write, "write_graph", of_a_fixed_size)
    output = tmp_path / "exported"
    with pytest.raises(ValueError, match=rf"^{output}: expected answers that differ by at most 0\.0001 .* got \d"):
        export_model(streets_export.run.folder, output)
    assert not [*tmp_path.iterdir()]


class Cropping(nn.Module):
    """A network that does not see the last row of an image."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = torch.arange(images.shape[2])[None, None, :, None]
        return self.network(torch.where(rows < images.shape[2] - 1, images, torch.zeros_like(images)))


def test_a_run_of_a_script_needs_data_or_the_size_of_its_images(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TINY, "encoder", ENCODER)
    case = Case("camvid", epochs=1)
    trainer = fit(case, drawn_streets, tmp_path)
    checkpoint = tmp_path / "checkpoints" / "last.ckpt"
    trainer.save_checkpoint(checkpoint)
    with pytest.raises(ValueError, match=rf"^{checkpoint}: expected a run with config\.yaml, .* pass `--image-size"):
        export_model(checkpoint)
    bare = ExportedFolder(export_model(checkpoint, image_size=(32, 48))).read()
    assert (bare.scores, bare.data, bare.image_size) == (None, None, (32, 48))
    with pytest.raises(ValueError, match=r"^image_size: expected none, as the data say it"):
        export_model(checkpoint, data=data_of(case, drawn_streets), image_size=(32, 48))
    known = ExportedFolder(export_model(tmp_path, data=data_of(case, drawn_streets))).read()
    assert known.scores.split == "valid.txt"


def test_what_is_no_run_of_triptych_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"^{tmp_path}: expected a run folder with a checkpoint"):
        export_model(tmp_path)
    foreign = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": {}, "pytorch-lightning_version": "2.6.6", "hyper_parameters": {"lr": 1}}, foreign)
    with pytest.raises(ValueError, match=f"^{foreign}: expected a checkpoint of one of UNetSegmenter, PointRegr"):
        export_model(foreign)
    foreign.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=f"{foreign} is not a checkpoint"):
        export_model(foreign)


@pytest.mark.parametrize(("precision", "largest"), [("float16", 0.75), ("int8", 0.6)])
def test_a_smaller_file_is_smaller_scored_and_compared_in_a_line(
    streets_export, precision: str, largest: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(write, "rank_zero_info", lines.append)
    images = streets_export.run.root / "images"
    smaller = {"half": True} if precision == "float16" else {"int8": images}
    exported = ExportedFolder(export_model(streets_export.run.folder, tmp_path / "small", **smaller))
    manifest, exact = exported.read(exported.onnx), streets_export.exported.read()
    assert manifest.precision == precision
    assert manifest.files["model.onnx"].bytes < largest * exact.files["model.onnx"].bytes
    assert manifest.files["model.safetensors"] == exact.files["model.safetensors"]
    assert manifest.scores.values["void_masked_accuracy"] == pytest.approx(
        exact.scores.values["void_masked_accuracy"], abs=0.1
    )
    (line,) = lines
    assert re.match(rf"{precision} [\d.]+ MB, \d+ ms an image, void_masked_accuracy 0\.\d{{4}}; float32 ", line)


def test_both_smaller_files_and_missing_images_are_refused(streets_export, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^half, int8: expected one smaller file, got both"):
        export_model(streets_export.run.folder, tmp_path / "out", half=True, int8=tmp_path)
    with pytest.raises(MissingDataError, match=f"^{tmp_path}: expected images"):
        export_model(streets_export.run.folder, tmp_path / "out", int8=tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_segmenter_knows_its_colours_and_void(streets_export) -> None:
    manifest = streets_export.exported.read()
    model = load_model(streets_export.run.best)
    assert isinstance(model, UNetSegmenter)
    assert manifest.ignore_index == model.hparams["ignore_index"]
    assert manifest.palette[manifest.names.index("Road")] == (128, 64, 128)


def test_an_encoder_that_pads_by_the_size_of_the_image_is_refused_before_torch_looks_for_its_graph() -> None:
    with pytest.raises(ValueError, match=rf"^encoder: expected one that torch can .*, got {TINY['encoder']}, which"):
        plain_network(UNetSegmenter(2, **TINY))
