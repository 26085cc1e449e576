"""`PointScores` counts every point once, in pixels of its own frame, however the frames are batched."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.metrics import PointScores
from triptych.metrics.point_scores import distance_px

Batch = tuple[Tensor, Tensor, Tensor]


def random_batches(seed: int, num_points: int, counts: tuple[int, ...] = (5, 1, 8, 2)) -> list[Batch]:
    """Predictions about 8 pixels off, in batches of uneven size and frames of uneven size."""
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for count in counts:
        size = torch.randint(100, 700, (count, 2), generator=generator)
        target = 2 * torch.rand(count, num_points, 2, generator=generator) - 1
        off = 12 * torch.randn(count, num_points, 2, generator=generator) / size[:, None]
        batches.append((target + off, target, size))
    return batches


def with_missing(batches: list[Batch], seed: int) -> list[Batch]:
    """The same batches without a third of their points, and without any in the second one."""
    generator = torch.Generator().manual_seed(seed)
    left = []
    for number, (preds, target, size) in enumerate(batches):
        is_missing = torch.rand(target.shape[:2], generator=generator) < (2 if number == 1 else 0.3)
        left.append((preds, target.masked_fill(is_missing[..., None], torch.nan), size))
    return left


def scores_of(batches: list[Batch], num_points: int | None = None) -> dict[str, Tensor]:
    metric = PointScores(num_points)
    for batch in batches:
        metric.update(*batch)
    return metric.compute()


def counted_by_hand(batches: list[Batch]) -> dict[str, float]:
    """Point by point, in Python's own numbers."""
    errors, squares = [], []
    for batch in batches:
        for preds, target, (height, width) in zip(*(part.tolist() for part in batch), strict=True):
            for (y, x), (true_y, true_x) in zip(preds, target, strict=True):
                if math.isnan(true_y):
                    continue
                errors.append(math.hypot((y - true_y) * height / 2, (x - true_x) * width / 2))
                squares.append(((y - true_y) ** 2 + (x - true_x) ** 2) / 2)
    count = len(errors)
    return {
        "error_px": sum(errors) / count,
        "mse": sum(squares) / count,
        "within_5px": sum(error <= 5 for error in errors) / count,
        "within_10px": sum(error <= 10 for error in errors) / count,
    }


@pytest.mark.parametrize("num_points", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_all_scores_equal_a_count_by_hand(seed: int, num_points: int) -> None:
    batches = random_batches(seed, num_points)
    scores, expected = scores_of(batches), counted_by_hand(batches)
    assert {name: score.item() for name, score in scores.items()} == pytest.approx(expected, rel=1e-4)
    assert 0.05 < expected["within_5px"] < expected["within_10px"] < 0.95


@pytest.mark.parametrize("seed", range(3))
def test_missing_points_are_left_out_of_all_scores(seed: int) -> None:
    batches = with_missing(random_batches(seed, num_points=3), seed)
    scores = scores_of(batches)
    assert {name: score.item() for name, score in scores.items()} == pytest.approx(counted_by_hand(batches), rel=1e-4)
    assert scores == scores_of([tuple(torch.cat(parts) for parts in zip(*batches, strict=True))])


@pytest.mark.parametrize("seed", range(3))
def test_each_point_is_scored_over_the_images_that_have_it(seed: int) -> None:
    batches = with_missing(random_batches(seed, num_points=4), seed)
    for batch in batches:
        batch[1][:, 2] = torch.nan
    scores = scores_of(batches, num_points=4)
    for point in (0, 1, 3):
        alone = [(preds[:, [point]], target[:, [point]], size) for preds, target, size in batches]
        assert scores["point_error_px"][point].item() == pytest.approx(counted_by_hand(alone)["error_px"], rel=1e-4)
        assert scores["support"][point] == sum((~target.isnan()).any(dim=-1).sum() for _, target, _ in alone)
    assert scores["point_error_px"][2].isnan() and scores["support"][2] == 0


def test_a_prediction_that_is_no_number_is_an_error_and_no_missing_point() -> None:
    ((preds, target, size),) = random_batches(0, 2, (4,))
    preds[1, 0] = torch.nan
    assert scores_of([(preds, target, size)])["error_px"].isnan()


@pytest.mark.parametrize("num_points", [1, 3])
def test_mse_is_torchs_over_all_points_however_they_are_batched(num_points: int) -> None:
    batches = random_batches(0, num_points)
    whole = tuple(torch.cat(parts) for parts in zip(*batches, strict=True))
    torch.testing.assert_close(scores_of(batches)["mse"], F.mse_loss(whole[0], whole[1]))
    assert scores_of(batches) == scores_of([whole]) == scores_of(batches[::-1])


def test_a_distance_is_in_pixels_of_each_frame() -> None:
    size = torch.tensor([[480, 640], [48, 64]])
    preds, target = torch.tensor([[[0.25, -0.5]], [[0.25, -0.5]]]), torch.zeros(2, 1, 2)
    expected = torch.tensor([[math.hypot(60, 160)], [math.hypot(6, 16)]])
    torch.testing.assert_close(distance_px(preds, target, size), expected)


def test_five_and_ten_pixels_themselves_count_as_within() -> None:
    size = torch.full((6, 2), 256)
    off = torch.tensor([[3, 4], [5, 0], [5.125, 0], [6, 8], [0, 10], [0, 10.125]]) / 128
    scores = scores_of([(off[:, None], torch.zeros(6, 1, 2), size)])
    assert (scores["within_5px"], scores["within_10px"]) == (pytest.approx(2 / 6), pytest.approx(5 / 6))


def test_no_points_give_nan() -> None:
    nothing = torch.zeros(0, 1, 2), torch.zeros(0, 1, 2), torch.zeros(0, 2, dtype=torch.int64)
    for batches in ([nothing], [nothing, nothing]):
        assert all(score.isnan() for score in scores_of(batches).values())
    with pytest.warns(UserWarning, match=r"``compute`` method .* was called before the ``update`` method"):
        scores = PointScores().compute()
    assert all(score.isnan() for score in scores.values())
    assert scores_of([nothing, *random_batches(0, 1)]) == scores_of(random_batches(0, 1))


def test_half_precision_predictions_are_scored_in_full() -> None:
    ((preds, target, size),) = random_batches(0, 1, (50,))
    half = preds.bfloat16()
    assert scores_of([(half, target, size)]) == scores_of([(half.float(), target, size)])


@pytest.mark.parametrize(
    ("preds", "target"), [((4, 3, 2), (4, 1, 2)), ((4, 2), (4, 1, 2)), ((3, 1, 2), (4, 1, 2)), ((4, 1, 3), (4, 1, 3))]
)
def test_shapes_that_differ_are_reported(preds: tuple[int, ...], target: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="preds") as caught:
        PointScores().update(torch.zeros(preds), torch.zeros(target), torch.ones(4, 2))
    assert str(caught.value) == f"preds: expected (y, x) of points, (N, P, 2), as the target {target}, got {preds}."
