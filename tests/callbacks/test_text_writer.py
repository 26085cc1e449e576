"""`TextWriter` writes a row a text, in the order of the texts, from one process and from several."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from command_line import QUIET, fails, printed_by
from small_fit import TINY_TEXT, Case, data_of, trainer_for

from triptych import IMDBDataModule, TextClassifier
from triptych.callbacks import TextWriter
from triptych.runs.layout import RunLayout

pytestmark = [
    QUIET,
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]


@pytest.fixture(scope="module")
def run(drawn_reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a fit of one epoch."""
    folder = tmp_path_factory.mktemp("texts") / "run"
    torch.manual_seed(0)
    case = Case("imdb", epochs=1)
    trainer = trainer_for(case, folder)
    trainer.fit(TextClassifier(**TINY_TEXT), data_of(case, drawn_reviews))
    trainer.save_checkpoint(folder / "checkpoints" / "best.ckpt")
    return folder


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def command(run: Path, root: Path | str, given: Path | str, **more: object) -> list[str]:
    """The arguments of a prediction; those of the data are in `more`."""
    options = {
        **{"model": "triptych.TextClassifier", "data": "triptych.IMDBDataModule", "data.root": root},
        **{"data.predict_path": given, "ckpt_path": run / "checkpoints/best.ckpt"},
        **{f"model.{name}": size for name, size in TINY_TEXT.items()},
        **{f"data.{name}": value for name, value in more.items()},
        **{"predictions": "triptych.callbacks.TextWriter", "trainer.accelerator": "cpu"},
        "trainer.enable_progress_bar": "false",
    }
    return ["predict", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


def predict(run: Path, root: Path | str, given: Path | str, **more: object) -> list[list[str]]:
    printed_by(command(run, root, given, **more))
    return rows(RunLayout(run).predictions / "categories.csv")


def test_a_sentence_a_file_a_folder_and_a_table_are_predicted_with_the_vocabulary_of_a_run(
    run: Path, tmp_path: Path
) -> None:
    texts = {"b.txt": "I loved it.", "a.txt": "I did not like it, no.", "deep/c.txt": "A bore!"}
    for name, text in texts.items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_text(text)
    table = tmp_path / "own.csv"
    table.write_text("text,stars\n" + "".join(f'"{text}",3\n' for text in texts.values()))
    vocab = run / "checkpoints/best.ckpt"
    header, *of_table = predict(run, "nowhere", table, vocab=vocab, batch_size=2)
    assert header == ["path", "label", "negative", "positive"]
    assert [row[0] for row in of_table] == [f"own.csv, row {i}" for i in (1, 2, 3)]
    by_text = {text: row[1:] for text, row in zip(texts.values(), of_table, strict=True)}
    for label, negative, positive in by_text.values():
        assert float(negative) + float(positive) == pytest.approx(1, abs=2e-4)
        assert label == ("negative" if float(negative) > float(positive) else "positive")
    _, *of_folder = predict(run, "nowhere", tmp_path / "own", vocab=vocab)
    names = ["a.txt", "b.txt", "deep/c.txt"]
    assert of_folder == [[str(tmp_path / "own" / name), *by_text[texts[name]]] for name in names]
    _, of_file = predict(run, "nowhere", tmp_path / "own" / "a.txt", vocab=vocab)
    assert of_file[1:] == by_text[texts["a.txt"]]
    _, of_sentence = predict(run, "nowhere", texts["a.txt"], vocab=vocab)
    assert of_sentence == ["the sentence", *by_text[texts["a.txt"]]]


def test_without_a_vocabulary_that_of_the_table_is_made_again_or_the_way_is_told(
    run: Path, drawn_reviews: Path
) -> None:
    (_, row) = predict(run, drawn_reviews, "I loved it")
    assert row[0] == "the sentence"
    data = IMDBDataModule("nowhere", predict_path="I loved it")
    with pytest.raises(
        FileNotFoundError,
        match=r"^nowhere: no such folder; .*; its words are the vocabulary, unless --data\.vocab RUN names",
    ):
        data.setup("predict")


def test_the_vocabulary_of_another_checkpoint_is_refused(run: Path, drawn_reviews: Path, tmp_path: Path) -> None:
    data = IMDBDataModule(str(drawn_reviews), min_freq=4)
    data.setup("fit")
    data.vocab.save(tmp_path / "vocab.json")
    fails(
        command(run, "nowhere", "I loved it", vocab=tmp_path / "vocab.json"),
        r".*vocab: the model has \d+ tokens, the data have \d+ .*give the data the model's.*",
    )


def test_rows_of_several_processes_have_the_order_of_the_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn_reviews: Path
) -> None:
    data = IMDBDataModule(str(drawn_reviews))
    data.setup("predict")
    loader = data.predict_dataloader()
    paths = [text.path for text in loader.dataset.texts]
    assert [*paths] != sorted(paths)[::-1] and len(paths) == 12
    parts = [paths[0::2], [*paths[1::2], paths[0]]]  # a sampler repeats the first for equal numbers

    def gather(gathered: list[Any], own: list[Any]) -> None:
        gathered[:] = [[(path, "negative", "0.6", "0.4") for path in part] for part in parts]

    monkeypatch.setattr("torch.distributed.all_gather_object", gather)
    trainer: Any = SimpleNamespace(world_size=2, is_global_zero=True, predict_dataloaders=loader, datamodule=data)
    writer = TextWriter(str(tmp_path / "out"))
    model = SimpleNamespace(categories=["negative", "positive"])
    writer.on_predict_start(trainer, model)
    writer.write(model, {"path": parts[0]}, torch.tensor([[0.6, 0.4]]).repeat(len(parts[0]), 1))
    writer.on_predict_end(trainer, model)  # type: ignore[arg-type]
    assert [row[0] for row in rows(writer.made()["categories"])[1:]] == paths
