"""`make_reviews` keeps the layout of the course's sample, and a bag of words cannot tell the labels."""

import csv
import hashlib
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from triptych.synthetic import make_reviews
from triptych.synthetic.imdb.grammar import OPINIONS, RULES
from triptych.synthetic.imdb.review import review

Row = dict[str, str]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The reviews that `make_reviews` writes by default."""
    return read(make_reviews(tmp_path_factory.mktemp("data") / "imdb"))


def read(root: Path) -> list[Row]:
    with (root / "texts.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.replace("<br />", " ").lower())


def test_folder_holds_one_table_with_the_training_rows_first(rows: list[Row], tmp_path: Path) -> None:
    root = make_reviews(tmp_path / "new" / "imdb", num_train=3, num_valid=2)
    assert [path.name for path in root.iterdir()] == ["texts.csv"]
    assert (root / "texts.csv").read_bytes().startswith(b"label,text,is_valid\n")
    assert [row["is_valid"] for row in read(root)] == ["False"] * 3 + ["True"] * 2
    assert Counter(row["is_valid"] for row in rows) == {"False": 2000, "True": 500}
    assert {row["label"] for row in rows} == {"negative", "positive"}


def test_row_is_a_function_of_seed_and_number_alone(rows: list[Row], tmp_path: Path) -> None:
    few = read(make_reviews(tmp_path / "imdb", num_train=20, num_valid=10))
    assert [(row["label"], row["text"]) for row in few] == [(row["label"], row["text"]) for row in rows[:30]]
    assert [review(1, row) for row in range(30)] != [review(0, row) for row in range(30)]
    assert len({row["text"] for row in rows}) == len(rows)


def test_reviews_are_frozen() -> None:
    texts = "\n".join(" ".join(review(seed, row)) for seed in range(3) for row in range(100))
    assert (
        hashlib.sha256(texts.encode()).hexdigest() == "0cc75bcf3f7c746c013622d08e5b74c18157da1d658af4e26913624d15766120"
    )


def test_reviews_are_short_and_use_a_few_hundred_words(rows: list[Row]) -> None:
    lengths = [len(row["text"].replace("<br />", " ").split()) for row in rows]
    assert 10 <= min(lengths) <= max(lengths) <= 80
    assert 200 < len({word for row in rows for word in words(row["text"])}) < 400
    assert not [row for row in rows if re.search(r"<(?!br />)|\s[.,!;]", row["text"])]


@pytest.mark.parametrize(
    "sign", ["<br />", "sooooo", "very very very", "n't ", "  ", '"', "!", " DVD ", " OK", "wasn't"]
)
def test_every_rule_of_the_tokeniser_has_something_to_do(rows: list[Row], sign: str) -> None:
    assert any(sign in f" {row['text']} " for row in rows)


def test_label_is_known_from_the_whole_sentence_only() -> None:
    """Each kind of opinion, and each other rule, is expected as often on either side of a verdict."""
    for kind in OPINIONS:
        own, other = expected("verdict", kind)
        assert own == other > 0


def expected(rule: str, kind: str) -> tuple[Fraction, Fraction]:
    """Expected number of words of a kind of opinion in a text of a rule: on the side of the text, and on the other."""
    own = other = Fraction()
    for template in RULES[rule]:
        for sign, name in re.findall(r"<([+-]?)([\w ]+)>", template):
            inside = (Fraction(name.lower() == kind), Fraction()) if name.lower() in OPINIONS else expected(name, kind)
            own, other = (a + b for a, b in zip((own, other), inside[:: -1 if sign == "-" else 1], strict=True))
    return own / len(RULES[rule]), other / len(RULES[rule])


def test_positive_and_negative_words_are_as_many() -> None:
    for good, bad in OPINIONS.values():
        assert len(good) == len(bad)
        assert not {*good} & {*bad}


@pytest.mark.parametrize(("length", "highest"), [(1, 0.6), (2, 0.75)])
def test_logistic_regression_on_counts_of_words_or_pairs_cannot_tell_the_labels(
    rows: list[Row], length: int, highest: float
) -> None:
    counts = counts_of_runs([words(row["text"]) for row in rows], length)
    target = torch.tensor([float(row["label"] == "positive") for row in rows])
    valid = torch.tensor([row["is_valid"] == "True" for row in rows])
    right = (logits(counts, target, ~valid) > 0) == target.bool()
    assert right[~valid].float().mean() > 0.6  # it has learned what there is
    assert right[valid].float().mean() < highest


def counts_of_runs(texts: list[list[str]], length: int) -> torch.Tensor:
    """Counts (N, V) of each run of 1 to `length` words that occurs three times or more."""
    runs = [[" ".join(text[i : i + n]) for n in range(1, length + 1) for i in range(len(text))] for text in texts]
    often = [run for run, count in Counter(run for text in runs for run in text).items() if count > 2]
    column = {run: i for i, run in enumerate(often)}
    counts = torch.zeros(len(texts), len(often))
    for row, text in enumerate(runs):
        for run in text:
            if run in column:
                counts[row, column[run]] += 1
    return counts


def logits(counts: torch.Tensor, target: torch.Tensor, train: torch.Tensor) -> torch.Tensor:
    """Logits (N,) of a logistic regression with weight decay, trained on some of the rows."""
    weight = torch.zeros(counts.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=100)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(counts[train] @ weight, target[train])
        loss = loss + 1e-3 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return (counts @ weight).detach()


def test_bad_arguments_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^reviews: num_train must be at least 1, got 0\.$"):
        make_reviews(tmp_path / "a", num_train=0)
    with pytest.raises(ValueError, match=r"^reviews: num_valid must be at least 1, got -2\.$"):
        make_reviews(tmp_path / "a", num_valid=-2)
    with pytest.raises(ValueError, match=r"^reviews: seed must be at least 0, got -1\.$"):
        make_reviews(tmp_path / "a", seed=-1)
    (tmp_path / "texts.csv").touch()
    with pytest.raises(FileExistsError, match=r"^reviews: \S+ is not empty, it holds 'texts.csv' \(one of 1\); "):
        make_reviews(tmp_path)
