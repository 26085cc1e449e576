"""An exported model of texts gives each text its category, whatever it is given together with."""

import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported_files import write_exported
from exported_texts import CATEGORIES, WORDS, write_text_model

from triptych.errors import BadSampleError
from triptych.exported import ExportedFolder
from triptych.exported.folder import file_card
from triptych.runtime import CategoryResult, Model, load
from triptych.text import Tokenizer

TEXTS = ["A great film!", "bad", "It was DULL, dull, dull.<br /><br />Never again.", "Fine &amp; great!!!!!", "no word"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_model(tmp_path_factory.mktemp("exported")).folder


@pytest.fixture
def model(folder: Path) -> Model:
    return load(folder)


def positive(text: str) -> float:
    """The probability of the second category, counted by hand."""
    logit = sum(WORDS.get(token, 0) for token in Tokenizer.english()(text))
    return 1 / (1 + math.exp(-logit))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_has_the_category_with_the_highest_probability(model: Model, text: str) -> None:
    result = model(text)
    assert isinstance(result, CategoryResult)
    assert result.probabilities == pytest.approx({"positive": positive(text), "negative": 1 - positive(text)}, abs=1e-6)
    assert next(iter(result.probabilities)) == result.category == CATEGORIES[positive(text) > 0.5]
    assert (result.given, result.tokens) == (text, len(Tokenizer.english()(text)))


def test_texts_of_a_list_are_answered_as_alone_and_in_order(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triptych.runtime.inputs._BATCH_TOKENS", 24)
    shapes, network = [], model.network

    def seen(tokens: np.ndarray) -> np.ndarray:
        shapes.append(tokens.shape)
        return network(tokens)

    model.network = seen
    together = [result.output for result in model(TEXTS)]
    assert len(shapes) > 1 and max(number for number, _ in shapes) > 1
    assert all(number == 1 or number * longest <= 24 for number, longest in shapes)
    np.testing.assert_allclose(together, [model(text).output for text in TEXTS], atol=1e-6)
    assert model([]) == []


def test_texts_are_taken_when_their_turn_comes(model: Model) -> None:
    given: list[str] = []

    def texts() -> Any:
        while True:
            given.append("a great film " * 500)
            yield given[-1]

    next(model.results(texts()))
    assert len(given) < 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text: expected at least one word, got an empty text."),
        (" \n\t", "text: expected at least one word, got an empty text."),
        (b"great", "text: expected a str, got bytes."),
        (3, "text: expected a str, got int."),
    ],
)
def test_what_is_no_text_is_refused(model: Model, text: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        model([text])


def test_views_are_of_images_alone(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"^tta: expected none for a model of texts, got 'flip'; views are of imag"):
        load(folder, tta="flip")


@pytest.mark.parametrize("name", ["vocab.json", "tokenizer.json", "model.onnx"])
def test_a_file_that_has_changed_since_the_export_is_refused(tmp_path: Path, name: str) -> None:
    path = write_text_model(tmp_path).folder / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BadSampleError, match=rf"^{path}: expected the file that was exported"):
        load(tmp_path)


@pytest.mark.parametrize("rules", ['{"prefix": "("}', "[1]", "no JSON"])
def test_rules_of_another_form_are_refused_in_one_line(tmp_path: Path, rules: str) -> None:
    exported = write_text_model(tmp_path)
    exported.tokenizer.write_text(rules)
    files = exported.read().files | {exported.tokenizer.name: file_card(exported.tokenizer)}
    exported.manifest.write_text(replace(exported.read(), files=files).text())
    with pytest.raises(BadSampleError, match=rf"^{exported.tokenizer}: .*expected .*, got .*\.$"):
        load(tmp_path)


RUN = """
import sys
class Missing:
    def find_spec(self, name, *_):
        if name in ("torch", "lightning", "torchmetrics", "torchvision", *sys.argv[3:]):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from triptych.runtime import load
print(load(sys.argv[1])(sys.argv[2]).category)
"""


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_text_is_answered_where_torch_cannot_be_imported(folder: Path) -> None:
    done = _run(folder, "a great film")
    assert (done.returncode, done.stdout, done.stderr) == (0, "positive\n", "")


def test_only_a_model_of_texts_needs_spacy(folder: Path, tmp_path: Path) -> None:
    done = _run(folder, "a great film", "spacy")
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("ImportError: ")
    assert "needs spaCy; `pip install 'triptych[text]'`" in done.stderr.splitlines()[-1]
    write_exported(tmp_path, "labels")
    assert "spacy" not in _run(tmp_path, "absent.png", "spacy").stderr
    assert ExportedFolder(tmp_path).read().input == "image"
