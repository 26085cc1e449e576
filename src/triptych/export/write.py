"""Writing the folder of an exported model."""

import dataclasses
import json
import tempfile
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_info
from safetensors.torch import save

from triptych.datamodules.base import TriptychDataModule
from triptych.errors import BadSampleError
from triptych.export.card import card, default_name
from triptych.export.comparison import compare_files, comparison_line
from triptych.export.description import describe, task_of
from triptych.export.equality import check_equal
from triptych.export.examples import batches_for, example_for, images_of
from triptych.export.graph import plain_network, write_graph
from triptych.export.run_data import RunData, data_of
from triptych.export.scoring import score_file
from triptych.export.session import OnnxNetwork
from triptych.export.smaller import Calibration, write_half, write_int8
from triptych.exported import ExportedFolder, Manifest
from triptych.exported.folder import file_card
from triptych.files import as_path, atomic_folder, is_remote
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.layout import RunLayout, checkpoint_of, run_of
from triptych.tasks.base import TransferTask
from triptych.tasks.load import load_model
from triptych.tasks.texts import TextTask
from triptych.text import Tokenizer


def export_model(
    run: str | Path,
    output: str | Path | None = None,
    data: TriptychDataModule | None = None,
    *,
    image_size: tuple[int, int] | None = None,
    half: bool = False,
    int8: str | Path | None = None,
) -> Path:
    """Writes a trained model into a folder from which it is used without torch, and without this package.

    The folder holds `model.onnx`, `model.safetensors`, `model.json` and a model card, `README.md`, and of a model of
    texts `vocab.json` and `tokenizer.json`; no pickle. The exported network is compared with the model at several
    sizes or lengths, and scored on the validation split of the data if they are there. An earlier export is replaced
    as a whole.

    Args:
        run: A run folder or a checkpoint; see `RunLayout.find_checkpoint`.
        output: The folder to write; None means `exported` in the run folder.
        data: Data to score on; None takes the data of the run's `config.yaml`, which a run of a script lacks.
        image_size: (height, width) of the images in the model's validation; only for a run without data.
        half: Whether `model.onnx` computes in float16, and is half as large; only of images.
        int8: Folder of images to calibrate a `model.onnx` of 8-bit integers with, a quarter as large; with the images
            of the training data's kind, 100 are enough.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: The run, the data that were given, or the images to calibrate with do not exist.
        FileExistsError: `output` is a file, or a folder of something else.
        ValueError: The checkpoint is of no task that is exported; the run does not say the size of its images; the
            network cannot be written as ONNX; or what was written does not answer as the model does.
        ImportError: It is a model of texts, and spaCy is not installed.
    """
    if half and int8 is not None:
        raise ValueError("half, int8: expected one smaller file, got both; leave out one.")
    checkpoint = checkpoint_of(run)
    folder = _free(_default_output(checkpoint) if output is None else as_path(output))
    model = load_model(checkpoint)
    task_of(model)
    if model.input != "image" and (half or int8 is not None):
        raise ValueError("half, int8: expected none of them for a model of texts, whose graph is in float32.")
    known = data_of(checkpoint, model, data, image_size)
    manifest = describe(model, read_checkpoint(checkpoint), known, "float16" if half else "int8" if int8 else "float32")
    calibration = None if int8 is None else _calibration(int8, manifest)
    with atomic_folder(folder) as new:
        exported = ExportedFolder(new)
        _write_weights(model, exported.weights)
        _write_words(model, exported)
        _write_graphs(model, manifest, known, calibration, folder, exported.onnx)
        if known.module is not None:
            manifest = dataclasses.replace(manifest, scores=score_file(model, exported.onnx, known.module))
        _write_texts(manifest, exported, default_name(run_of(checkpoint) or checkpoint, manifest))
    return folder


def _default_output(checkpoint: Path) -> Path:
    return RunLayout(run_of(checkpoint) or checkpoint.parent).exported


def _free(folder: Path) -> Path:
    """The folder, if it can be written: it does not exist, is empty, or holds an export."""
    if is_remote(folder):
        raise ValueError(f"output: expected a folder of this machine, got {folder}; copy the export to the bucket.")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder}: expected a folder to write, got a file; choose another output.")
    if folder.is_dir() and any(folder.iterdir()):
        try:
            Manifest.read(ExportedFolder(folder).manifest)
        except (FileNotFoundError, BadSampleError) as error:
            raise FileExistsError(
                f"{folder}: expected a new or empty folder, or an earlier export to replace, got a folder of something "
                "else; choose another output."
            ) from error
    return folder


def _write_weights(model: TransferTask, path: Path) -> None:
    assert model.network is not None
    weights = {name: tensor.contiguous() for name, tensor in model.network.state_dict().items()}
    path.write_bytes(save(weights, {"format": "pt"}))


def _write_words(model: TransferTask, exported: ExportedFolder) -> None:
    """Writes vocabulary and rules of a model of texts."""
    if isinstance(model, TextTask):
        assert model.vocab is not None
        model.vocab.save(exported.vocab)
        rules = json.dumps(Tokenizer.english().rules, ensure_ascii=False, indent=1)
        exported.tokenizer.write_text(rules + "\n", encoding="utf-8")


def _calibration(images: str | Path, manifest: Manifest) -> Calibration:
    assert manifest.image_size is not None
    assert manifest.in_channels is not None
    return Calibration(Path(images), manifest.image_size, manifest.in_channels, manifest.scale)


def _write_graphs(
    model: TransferTask, manifest: Manifest, known: RunData, calibration: Calibration | None, folder: Path, path: Path
) -> None:
    """Writes the graph in the manifest's precision, after a check in float32; a line compares both."""
    network, is_exact = plain_network(model), manifest.precision == "float32"
    with tempfile.TemporaryDirectory() as scratch:
        exact = path if is_exact else Path(scratch, path.name)
        write_graph(network, example_for(model), exact)
        check_equal(network, OnnxNetwork(exact, model.target), batches_for(model, known.module), folder)
        if is_exact:
            return
        channels = model.hparams["in_channels"]
        if calibration is None:
            write_half(network, channels, path)
        else:
            write_int8(exact, path, calibration)
        assert known.image_size is not None
        (image,) = images_of(known.module, channels, [(1, *known.image_size)])
        exact_file, smaller = compare_files(model, {"float32": exact, manifest.precision: path}, image, known.module)
    rank_zero_info(comparison_line(exact_file, smaller, lower_is_better=model.target == "point"))


def _write_texts(manifest: Manifest, exported: ExportedFolder, name: str) -> None:
    """Writes the model card and `model.json`."""
    files = {path.name: file_card(path) for path in (exported.onnx, exported.weights, *exported.of_input(manifest))}
    exported.card.write_text(card(dataclasses.replace(manifest, files=files), name), encoding="utf-8")
    files[exported.card.name] = file_card(exported.card)
    exported.manifest.write_text(dataclasses.replace(manifest, files=files).text(), encoding="utf-8")
