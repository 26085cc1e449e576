"""The export of a text classifier answers as the model does for texts of any length, alone or among others."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import numpy as np
import onnxruntime
import pytest
import torch
from command_line import QUIET
from export_folder import flipped
from fake_hub import serving
from torch import nn

from triptych import IMDBDataModule, LanguageModel, TextClassifier, export_model
from triptych.datasets.texts import TextRecords
from triptych.errors import BadSampleError
from triptych.evaluation.validate import validate
from triptych.export import write
from triptych.export.examples import Example
from triptych.export.graph import PlainNetwork, write_graph
from triptych.export.hub import push_model
from triptych.export.scoring import score
from triptych.exported import ExportedFolder
from triptych.runtime import load
from triptych.text import PAD_ID, Tokenizer

pytestmark = [QUIET, pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")]

TINY = {"embedding_size": 16, "hidden_size": 24, "num_layers": 2}
MAX_LEN = 30
"""Tokens that are pooled: fewer than many of the made-up reviews have."""


class TextExport(NamedTuple):
    """A checkpoint and its exported folder; read-only."""

    checkpoint: Path
    exported: ExportedFolder


def _data(root: Path, **changed: Any) -> IMDBDataModule:
    return IMDBDataModule(str(root), **{"batch_size": 5, **changed})


def _fitted(model: L.LightningModule, data: IMDBDataModule, folder: Path, epochs: int) -> Path:
    """The checkpoint of a fit."""
    L.seed_everything(0, verbose=False)
    trainer = L.Trainer(
        **{"accelerator": "cpu", "max_epochs": epochs, "logger": False, "enable_checkpointing": False},
        **{"enable_model_summary": False, "enable_progress_bar": False, "limit_val_batches": 0},
    )
    trainer.fit(model, data)
    trainer.save_checkpoint(folder / "checkpoints" / "last.ckpt")
    return folder / "checkpoints" / "last.ckpt"


@pytest.fixture(scope="session")
def text_export(drawn_reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> TextExport:
    model, data = TextClassifier(**TINY, seq_len=7, max_len=MAX_LEN), _data(drawn_reviews)
    checkpoint = _fitted(model, data, tmp_path_factory.mktemp("run"), epochs=3)
    return TextExport(checkpoint, ExportedFolder(export_model(checkpoint, data=_data(drawn_reviews))))


@pytest.fixture
def model(text_export: TextExport) -> TextClassifier:
    loaded: TextClassifier = TextClassifier.load_from_checkpoint(text_export.checkpoint, weights_only=True).eval()
    return loaded


@pytest.mark.parametrize("sizes", [[1], [2], [7, 8], [60, 1, 29], [30, 31], [200, 100, 5, 3]])
def test_the_graph_answers_as_the_model_does_at_lengths_that_the_export_has_not_checked(
    text_export: TextExport, model: TextClassifier, sizes: list[int]
) -> None:
    tokens = torch.full((len(sizes), max(sizes)), PAD_ID)
    for row, size in zip(tokens, sizes, strict=True):
        row[:size] = torch.randint(2, model.hparams["vocab_size"], (size,))
    with torch.no_grad():
        expected = model(tokens).softmax(dim=1).numpy()
    session = onnxruntime.InferenceSession(str(text_export.exported.onnx))
    (found,) = session.run(["probabilities"], {"tokens": tokens.numpy()})
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_runtime_answers_as_the_model_does(
    text_export: TextExport, model: TextClassifier, drawn_reviews: Path
) -> None:
    reviews = sorted((one["text"] for one in TextRecords(drawn_reviews / "texts.csv")), key=len)
    texts = [reviews[-1], *reviews[::20]]
    assert len(Tokenizer.english()(texts[0])) > MAX_LEN
    for result, expected in zip(load(text_export.exported.folder)(texts), model.predict(texts), strict=True):
        assert result.probabilities == pytest.approx(expected, abs=1e-5)
        assert result.category == next(iter(expected))


def test_scores_are_those_of_the_checkpoint_and_of_the_file_again(
    text_export: TextExport, model: TextClassifier, drawn_reviews: Path
) -> None:
    scores = text_export.exported.read().scores
    assert scores is not None
    expected = validate(model, _data(drawn_reviews), accelerator="cpu")
    assert {f"val/{name}" for name in scores.values} == {*expected} - {"val/loss"}
    assert scores.values == pytest.approx({key: expected[f"val/{key}"] for key in scores.values}, abs=1e-6)
    assert (scores.split, scores.samples) == ("column is_valid", 12)
    again = score(text_export.exported.folder, _data(drawn_reviews, min_freq=1))  # its vocabulary would be another
    assert again == scores


def test_the_folder_says_what_the_model_is_and_how_a_text_becomes_its_input(
    text_export: TextExport, model: TextClassifier
) -> None:
    exported = text_export.exported
    manifest = exported.read(exported.onnx, exported.weights, exported.card)
    assert {path.name for path in exported.folder.iterdir()} == {*manifest.files, "model.json"}
    assert {"vocab.json", "tokenizer.json"} < {*manifest.files}
    assert (manifest.task, manifest.input, manifest.names) == ("category", "text", model.categories)
    assert (manifest.in_channels, manifest.image_size, manifest.form) == (None, None, {})
    assert manifest.data is not None
    assert (manifest.data.name, manifest.data.train) == ("imdb", 40)
    card = exported.card.read_text(encoding="utf-8")
    assert "pipeline_tag: text-classification" in card and "triptych.TextClassifier.from_pretrained" in card
    assert "`vocab.json`" in card and "image" not in card


def test_a_model_of_an_export_is_the_model_of_the_checkpoint(text_export: TextExport, model: TextClassifier) -> None:
    found = TextClassifier.from_pretrained(text_export.exported.folder).eval()
    assert found.vocab == model.vocab and dict(found.hparams) == {**model.hparams}
    assert all(torch.equal(value, found.state_dict()[name]) for name, value in model.state_dict().items())
    assert found.predict("not good, but fun") == model.predict("not good, but fun")


def test_texts_that_have_changed_since_the_training_are_read_with_the_vocabulary_of_the_model(
    text_export: TextExport, model: TextClassifier, drawn_reviews: Path, tmp_path: Path
) -> None:
    table = (drawn_reviews / "texts.csv").read_text(encoding="utf-8")
    (tmp_path / "texts.csv").write_text(table.replace(" the ", " a novel "), encoding="utf-8")
    exported = ExportedFolder(export_model(text_export.checkpoint, tmp_path / "exported", data=_data(tmp_path)))
    assert TextClassifier.from_pretrained(exported.folder).vocab == model.vocab
    assert exported.read().scores is not None


def test_a_vocabulary_that_has_changed_since_the_export_is_refused(text_export: TextExport, tmp_path: Path) -> None:
    for path in text_export.exported.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    flipped(tmp_path / "vocab.json")
    for use in (load, TextClassifier.from_pretrained):
        with pytest.raises(BadSampleError, match=rf"^{tmp_path}/vocab\.json: expected the file that was exported"):
            use(tmp_path)


def test_a_model_that_was_pushed_is_fetched_with_its_vocabulary(
    text_export: TextExport, model: TextClassifier, tmp_path: Path
) -> None:
    with serving(tmp_path) as hub:
        push_model(text_export.exported.folder, "me/reviews")
        assert {*hub.models["me/reviews"]} == {path.name for path in text_export.exported.folder.iterdir()}
        assert TextClassifier.from_pretrained("me/reviews").vocab == model.vocab


class Forgetful(nn.Module):
    """A network that reads no more than the first tokens of a text."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.network(torch.where(torch.arange(tokens.shape[1]) < 20, tokens, PAD_ID))


def test_a_graph_that_does_not_read_a_whole_text_is_refused_and_nothing_is_left(
    text_export: TextExport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(network: PlainNetwork, example: Example, path: Path) -> None:
        write_graph(PlainNetwork(Forgetful(network.network), network.target).eval(), example, path)

    monkeypatch.setattr(write, "write_graph", forgetful)
    output = tmp_path / "exported"
    with pytest.raises(ValueError, match=rf"^{output}: expected answers that differ by at most 0\.0001 .* got \d"):
        export_model(text_export.checkpoint, output)
    assert not [*tmp_path.iterdir()]


def test_what_is_of_images_alone_is_refused(text_export: TextExport, tmp_path: Path) -> None:
    for wrong, words in (
        ({"half": True}, "half, int8: expected none of them for a model of texts, whose graph is in float32."),
        (
            {"int8": tmp_path},
            "half, int8: expected none of them for a model of texts, whose graph is in float32.",
        ),
        ({"image_size": (8, 8)}, "image_size: expected none for a model of texts, got (8, 8)."),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
            export_model(text_export.checkpoint, tmp_path / "out", **wrong)


def test_a_language_model_is_not_exported(drawn_reviews: Path, tmp_path: Path) -> None:
    data = _data(drawn_reviews, mode="lm", seq_len=20)
    checkpoint = _fitted(LanguageModel(**TINY), data, tmp_path, epochs=1)
    words = "export: expected a model that predicts one of mask, point, labels, category, got a LanguageModel; train a "
    with pytest.raises(ValueError, match=f"^{re.escape(words)}TextClassifier with `encoder_weights` of this run"):
        export_model(checkpoint)
    assert [*tmp_path.iterdir()] == [tmp_path / "checkpoints"]
