"""F-scores of tags: by hand, as fast.ai and scikit-learn count them, over batches of any size."""

import pytest
import torch
from torch import Tensor

from triptych.metrics import TagScores
from triptych.metrics.thresholds import f_beta

NAN = float("nan")


def tiles(seed: int, count: int, labels: int = 6) -> tuple[Tensor, Tensor]:
    """Probabilities that know something, and tags of uneven frequency; the last tag is on no tile."""
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.cat([torch.linspace(0.9, 0.1, labels - 1), torch.zeros(1)])
    target = torch.rand(count, labels, generator=generator) < frequency
    return 0.4 * target + 0.6 * torch.rand(count, labels, generator=generator), target.float()


def f_of_sets(given: set[int], true: set[int], beta: float) -> float:
    """F-score of one tile from its sets of tags, as scikit-learn's `fbeta_score(..., average="samples")`."""
    right = len(given & true)
    if right == 0:
        return 0.0
    precision, recall = right / len(given), right / len(true)
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def columns(row: Tensor) -> set[int]:
    return set(row.nonzero().flatten().tolist())


def fastais(probabilities: Tensor, target: Tensor, threshold: float, beta: float = 2, eps: float = 1e-9) -> Tensor:
    """`fbeta` of fastai 1.0, word for word but for the sigmoid."""
    beta2 = beta**2
    y_pred, y_true = (probabilities > threshold).float(), target.float()
    hits = (y_pred * y_true).sum(dim=1)
    prec = hits / (y_pred.sum(dim=1) + eps)
    rec = hits / (y_true.sum(dim=1) + eps)
    return ((prec * rec) / (prec * beta2 + rec + eps) * (1 + beta2)).mean()


@pytest.mark.parametrize("beta", [0.5, 1, 2])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_f_of_each_tile_is_that_of_its_sets_and_the_mean_is_fastais(threshold: float, beta: float) -> None:
    probabilities, target = tiles(0, 200)
    scores = f_beta(probabilities > threshold, target, beta)
    expected = [
        f_of_sets(columns(given), columns(true), beta)
        for given, true in zip(probabilities > threshold, target, strict=True)
    ]
    torch.testing.assert_close(scores, torch.tensor(expected))
    torch.testing.assert_close(scores.mean(), fastais(probabilities, target, threshold, beta))


@pytest.mark.parametrize(
    ("given", "true", "f2"),
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], 1),
        ([1, 1, 1, 0], [1, 0, 0, 0], 5 / 7),  # precision 1/3, recall 1
        ([1, 0, 0, 0], [1, 1, 1, 0], 5 / 13),  # precision 1, recall 1/3: worse, as recall counts for more
        ([0, 0, 1, 1], [1, 1, 0, 0], 0),
        ([0, 0, 0, 0], [1, 0, 0, 0], 0),
        ([1, 0, 0, 0], [0, 0, 0, 0], 0),
        ([0, 0, 0, 0], [0, 0, 0, 0], 0),  # nothing to find and nothing given: no tag is right
    ],
)
def test_f2_worked_by_hand(given: list[int], true: list[int], f2: float) -> None:
    assert f_beta(torch.tensor([given]), torch.tensor([true])).tolist() == [pytest.approx(f2)]
    assert fastais(torch.tensor([given]), torch.tensor([true]), 0.5) == pytest.approx(f2, abs=1e-6)


def counted_by_hand(probabilities: Tensor, target: Tensor, threshold: float) -> dict[str, list[float] | float]:
    """All scores from sets and loops."""
    given = [[p > threshold for p in row] for row in probabilities.tolist()]
    true = [[t == 1 for t in row] for row in target.tolist()]
    table: dict[str, list[float]] = {"support": [], "precision": [], "recall": [], "tag_f2": []}
    for tag in range(target.shape[1]):
        has = {i for i, row in enumerate(true) if row[tag]}
        got = {i for i, row in enumerate(given) if row[tag]}
        table["support"].append(len(has))
        table["precision"].append(len(has & got) / len(got) if got else NAN)
        table["recall"].append(len(has & got) / len(has) if has else NAN)
        table["tag_f2"].append(f_of_sets(got, has, 2) if has else NAN)
    with_support = [score for score in table["tag_f2"] if score == score]
    right = [g == t for g_row, t_row in zip(given, true, strict=True) for g, t in zip(g_row, t_row, strict=True)]
    f2 = [f_of_sets(columns(g), columns(t), 2) for g, t in zip(torch.tensor(given), target, strict=True)]
    whole = {"f2": sum(f2) / len(f2), "accuracy": sum(right) / len(right)}
    macro = {"macro_f2": sum(with_support) / len(with_support), "tags_with_support": float(len(with_support))}
    return {**table, **whole, **macro}


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.95])
def test_scores_over_uneven_batches_equal_a_count_by_hand(threshold: float) -> None:
    probabilities, target = tiles(1, 61)
    metric = TagScores(threshold)
    for part in torch.arange(61).split([1, 32, 3, 25]):
        metric.update(probabilities[part], target[part])
    scores = metric.compute()
    for name, expected in counted_by_hand(probabilities, target, threshold).items():
        torch.testing.assert_close(
            scores[name].double(), torch.tensor(expected, dtype=torch.float64), equal_nan=True, atol=1e-6, rtol=1e-6
        )
    assert torch.equal(scores["probabilities"], probabilities)
    assert torch.equal(scores["target"], target.bool())


def test_the_mean_is_over_tiles_and_not_over_batches() -> None:
    metric = TagScores(0.5)
    first = metric(torch.tensor([[0.9, 0.1]]), torch.tensor([[1.0, 0.0]]))
    rest = metric(torch.tensor([[0.9, 0.1]] * 3), torch.tensor([[0.0, 1.0]] * 3))
    assert (first["f2"], rest["f2"], metric.compute()["f2"]) == (1, 0, 0.25)


def test_tags_that_no_tile_has_are_left_out_of_the_macro_mean_which_says_how_many_are_in_it() -> None:
    metric = TagScores(0.5)
    scores = metric(
        torch.tensor([[0.9, 0.9, 0.1, 0.9], [0.1, 0.9, 0.1, 0.1]]), torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0]])
    )
    assert scores["tags_with_support"] == 2
    assert scores["macro_f2"] == pytest.approx((5 / 9 + 1) / 2)
    torch.testing.assert_close(scores["tag_f2"], torch.tensor([5 / 9, 1, NAN, NAN]), equal_nan=True)
    torch.testing.assert_close(scores["precision"], torch.tensor([1, 1, NAN, 0]), equal_nan=True)
    torch.testing.assert_close(scores["recall"], torch.tensor([0.5, 1, NAN, NAN]), equal_nan=True)


def test_a_probability_of_exactly_the_threshold_gives_no_tag() -> None:
    scores = TagScores(0.2)(torch.tensor([[0.2, 0.2001]]), torch.tensor([[1.0, 1.0]]))
    assert scores["recall"].tolist() == [0, 1]


def test_a_reset_drops_the_scores() -> None:
    metric = TagScores()
    metric.update(*tiles(0, 10))
    metric.reset()
    metric.update(*tiles(1, 7))
    assert len(metric.compute()["target"]) == 7
