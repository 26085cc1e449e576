"""Figures of texts: what a classifier says of them, and which tokens a language model expected."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from small_fit import Case, data_of, model_of

from triptych import (
    IMDBDataModule,
    plot_confusion,
    show_prediction,
    show_results,
    show_top_losses,
    top_losses,
    write_losses,
)
from triptych.draw.texts import shade
from triptych.evaluation.evaluate import evaluating
from triptych.show.panels import panel_for
from triptych.show.panels.texts import _weights

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]


class Texts(NamedTuple):
    """A model and its data."""

    model: Any
    data: Any


@pytest.fixture(params=["imdb", "language"])
def texts(request: pytest.FixtureRequest, drawn_reviews: Path) -> Texts:
    return untrained(request.param, drawn_reviews)


def untrained(task: str, root: Path) -> Texts:
    torch.manual_seed(0)
    model, data = model_of(Case(task)), data_of(Case(task), root)
    data.setup("fit")
    model.resolve(data.metadata)  # type: ignore[operator]
    model.configure_model()
    return Texts(model, data)


def words_of(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def test_figures_are_whole_and_name_their_texts(texts: Texts, check_whole: Callable[[Figure], list[str]]) -> None:
    model, data = texts
    worst = top_losses(model, data, k=3)
    figures = [data.show_batch(1, 2), show_results(model, data, rows=1), show_top_losses(model, data, k=3)]
    for figure in figures:
        assert not figure.axes
        check_whole(figure)
    shown = words_of(figures[2])
    assert all(one.path in shown and f"loss {one.loss:#.3g}:" in shown for one in worst)


@pytest.mark.parametrize("task", ["imdb", "language"])
def test_each_loss_is_the_models_own_of_that_text_alone_for_any_batch(task: str, drawn_reviews: Path) -> None:
    model, data = untrained(task, drawn_reviews)
    found = {one.path: one for one in top_losses(model, data)}
    model.eval()
    samples = data.eval_samples("val")
    assert len(found) == len(samples)
    for sample in (samples[index] for index in range(len(samples))):
        with torch.no_grad():
            loss = float(model.mean_loss(model(sample["tokens"][None]), sample[model.target][None]))
        assert found[sample["path"]].loss == pytest.approx(loss, rel=1e-4)


def test_texts_with_a_high_loss_are_drawn_more_often(drawn_reviews: Path, tmp_path: Path) -> None:
    model, data = untrained("imdb", drawn_reviews)
    hardest, *others = top_losses(model, data, split="train")
    table = tmp_path / "losses.csv"
    write_losses(table, [replace(hardest, loss=30.0), *(replace(one, loss=1.0) for one in others)])
    weighed = IMDBDataModule(str(drawn_reviews), sample_weights=str(table))
    weighed.setup("fit")
    weights = dict(zip(map(str, weighed.train_paths()), weighed.draw_weights() or (), strict=True))
    assert weights.pop(hardest.path) == 4.0 and len({*weights.values()}) == 1


def test_of_a_long_batch_beginning_and_end_are_drawn(drawn_reviews: Path) -> None:
    data = untrained("imdb", drawn_reviews).data
    tokens, label = torch.full((100_000,), 9), {"category": torch.tensor(1)}
    long = {"tokens": tokens, "size": torch.tensor(len(tokens)), "path": "long", **label}
    short = {"tokens": torch.tensor([9, 1, 1, 1]), "size": torch.tensor(1), "path": "short", **label}
    shown = words_of(data.draw_batch([long, short], 2))
    assert "99890 more" in shown and "xxpad" not in shown and shown.count("label: positive") == 2


def test_an_answer_says_the_category_its_probability_and_the_truth(
    drawn_reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data = untrained("imdb", drawn_reviews)
    monkeypatch.setattr(model, "forward", lambda tokens: torch.tensor([[0.0, 2.0]]).repeat(len(tokens), 1))
    shown = words_of(show_results(model, data, rows=4))
    labels = [data.eval_samples("val")[i]["category"] for i in range(12)]
    assert shown.count("✓ positive 0.88") == sum(label == 1 for label in labels)
    assert shown.count("✗ positive 0.88 true: negative") == sum(label == 0 for label in labels)
    counts = panel_for(model).confusion()
    assert counts is not None
    counts.add({"category": torch.tensor([0, 0, 1])}, torch.tensor([[0.0, 2.0], [3.0, 2.0], [0.0, 2.0]]))
    assert counts.counts.tolist() == [[1, 1], [0, 1]]
    assert "of the texts" in plot_confusion(model, data).axes[0].get_ylabel()


def test_a_token_is_green_by_its_probability_if_expected_and_red_by_its_improbability() -> None:
    probabilities = torch.tensor([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.98, 0.01, 0.01]])
    weights = _weights(probabilities.log(), torch.tensor([0, 1, 2]))
    assert weights == pytest.approx([0.7, -1.0, -1.0])  # a guess among three tokens has 1/3
    close = torch.tensor([[0.51, 0.49, 0.0]])
    (near,) = _weights(close.log(), torch.tensor([1]))
    assert near == pytest.approx(torch.tensor(0.49).log().item() / torch.tensor(3.0).log().item())


def test_each_token_of_a_chunk_is_shown_with_its_own_colour(drawn_reviews: Path) -> None:
    model, data = untrained("language", drawn_reviews)
    sample = data.eval_samples("val")[0]
    logits = torch.zeros(len(sample["tokens"]), len(data.vocab))
    logits[torch.arange(len(logits)), sample["next"]] = 50.0
    figure = panel_for(model).results([(sample, logits)])
    assert f"{len(logits)} of {len(logits)} next tokens right" in words_of(figure)
    assert {to_hex(one.get_facecolor()) for one in figure.artists if isinstance(one, Rectangle)} == {shade(1.0)}


def test_sentences_files_and_tables_of_ones_own_are_shown(texts: Texts, tmp_path: Path) -> None:
    model, data = texts
    (tmp_path / "a.txt").write_text("I loved the story.")
    (tmp_path / "b.txt").write_text("I hated the cast.")
    (tmp_path / "own.csv").write_text('text\n"the plot, a joy"\n')
    records = dict(data.records)
    for given, expected in (
        ("the story was great", ["the sentence", "the story was"]),
        (["the story", "the cast"], ["the story", "the cast"]),
        (tmp_path / "a.txt", ["a.txt", "the story"]),
        (tmp_path, ["a.txt", "b.txt"]),
        (str(tmp_path / "own.csv"), ["own.csv, row 1", "the plot"]),
    ):
        shown = words_of(show_prediction(model, data, given))
        assert all(words in shown for words in expected), (given, shown)
    assert data.records == records
    with pytest.raises(ValueError, match=r"^the sentence: expected a text, got nothing\.$"):
        show_prediction(model, data, "")


def test_a_run_shows_what_its_model_shows(texts: Texts, save_run: Callable[..., Path]) -> None:
    run = save_run(texts.model)
    assert words_of(show_results(run, texts.data, 1)) == words_of(show_results(texts.model, texts.data, 1))


def test_a_language_model_has_no_confusion_and_says_why(drawn_reviews: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"^plot_confusion: expected a model of classes, tags, categories or several points, got LanguageModel of "
        r"as many classes as tokens; see show_top_losses for its largest errors\.$",
    ):
        plot_confusion(*untrained("language", drawn_reviews))


def test_a_chunk_of_another_length_stands_in_the_same_figure(drawn_reviews: Path) -> None:
    model, data = untrained("language", drawn_reviews)
    with evaluating(model, data) as evaluation:
        last = evaluation.samples[len(evaluation.samples) - 1]
        samples = [evaluation.samples[0], {**last, "tokens": last["tokens"][:9], "next": last["next"][:9]}]
        alone, together = list(evaluation.each(samples)), evaluation.together(samples)
        for (sample, one), (_, other) in zip(alone, together, strict=True):
            torch.testing.assert_close(one, other[: len(sample["tokens"])])


def test_a_vocabulary_of_other_data_is_refused(drawn_reviews: Path) -> None:
    model, _ = untrained("imdb", drawn_reviews)
    other = data_of(Case("imdb"), drawn_reviews)
    assert isinstance(other, L.LightningDataModule)
    other.min_freq = 4  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"^vocab: the model has \d+ tokens, the data have \d+ \("):
        show_results(model, other)  # type: ignore[arg-type]
