"""`SegmentationScores` counts over the data set, as published scores do, and agrees with a count by hand."""

import pytest
import torch
from torchmetrics.classification import MulticlassJaccardIndex, MulticlassPrecision, MulticlassRecall

from triptych import VoidMaskedAccuracy
from triptych.metrics import SegmentationScores

NAN = float("nan")


def counted_by_hand(batches, num_classes, void):
    """Scores of each class from sets of pixels: no confusion matrix, nothing vectorised."""
    pixels = [
        (int(pred), int(label))
        for scores, target in batches
        for pred, label in zip(scores.argmax(dim=1).flatten(), target.flatten(), strict=True)
        if label != void
    ]
    table = {"support": [], "iou": [], "accuracy": [], "precision": []}
    for c in range(num_classes):
        labelled = {i for i, (_, label) in enumerate(pixels) if label == c}
        predicted = {i for i, (pred, _) in enumerate(pixels) if pred == c}
        hit, union = len(labelled & predicted), len(labelled | predicted)
        table["support"].append(len(labelled))
        table["iou"].append(hit / union if union else NAN)
        table["accuracy"].append(hit / len(labelled) if labelled else NAN)
        table["precision"].append(hit / len(predicted) if predicted else NAN)
    present = [iou for iou, support in zip(table["iou"], table["support"], strict=True) if support]
    return {**table, "mean_iou": sum(present) / len(present)}


@pytest.mark.parametrize("void", [None, 2, 255])
@pytest.mark.parametrize("seed", range(3))
def test_all_scores_equal_a_count_by_hand(random_batches, seed, void) -> None:
    batches, metric, accuracy = random_batches(seed, 5, void), SegmentationScores(5, void), VoidMaskedAccuracy(void)
    for batch in batches:
        metric.update(*batch)
        accuracy.update(*batch)
    scores = metric.compute()
    for name, values in counted_by_hand(batches, 5, void).items():
        torch.testing.assert_close(scores[name].double(), torch.tensor(values, dtype=torch.float64), equal_nan=True)
    assert scores["void_masked_accuracy"] == accuracy.compute()


@pytest.mark.parametrize("void", [None, 2, 255])
def test_scores_of_each_class_equal_torchmetrics(random_batches, void) -> None:
    metric = SegmentationScores(5, void)
    references = {
        "iou": MulticlassJaccardIndex(5, average=None, ignore_index=void),
        "accuracy": MulticlassRecall(5, average=None, ignore_index=void),
        "precision": MulticlassPrecision(5, average=None, ignore_index=void),
    }
    for batch in random_batches(7, 5, void):
        for one in (metric, *references.values()):
            one.update(*batch)
    scores = metric.compute()
    labelled = scores["support"] > 0  # torchmetrics gives the others 0
    assert labelled.sum() == (4 if void == 2 else 5)
    for name, reference in references.items():
        torch.testing.assert_close(scores[name][labelled], reference.compute()[labelled])


def test_mean_iou_is_over_the_data_set_and_not_over_images() -> None:
    metric = SegmentationScores(2)
    first = torch.tensor([[[0, 0, 0, 1]]]), torch.tensor([[[0, 0, 0, 1]]])
    second = torch.tensor([[[0, 0, 0, 0]]]), torch.tensor([[[1, 1, 0, 0]]])
    of_images = [metric(*batch)["mean_iou"].item() for batch in (first, second)]
    assert of_images == [1, pytest.approx((2 / 4 + 0 / 2) / 2)]
    assert metric.compute()["mean_iou"] == pytest.approx((5 / 7 + 1 / 3) / 2)


def test_classes_without_a_label_are_left_out_of_the_mean_but_their_predictions_count() -> None:
    metric = SegmentationScores(4, ignore_index=3)
    metric.update(torch.tensor([[[0, 0, 2, 3]]]), torch.tensor([[[0, 0, 0, 3]]]))
    scores = metric.compute()
    assert scores["mean_iou"] == pytest.approx(2 / 3)
    torch.testing.assert_close(scores["iou"], torch.tensor([2 / 3, NAN, 0, NAN]), equal_nan=True)
    torch.testing.assert_close(scores["accuracy"], torch.tensor([2 / 3, NAN, NAN, NAN]), equal_nan=True)
    torch.testing.assert_close(scores["precision"], torch.tensor([1, NAN, 0, NAN]), equal_nan=True)
    assert scores["support"].tolist() == [3, 0, 0, 0]


def test_predicting_void_on_a_labelled_pixel_is_a_miss() -> None:
    metric = SegmentationScores(3, ignore_index=1)
    scores = metric(torch.tensor([[[1, 0, 2, 1]]]), torch.tensor([[[0, 0, 2, 1]]]))
    assert scores["void_masked_accuracy"] == pytest.approx(2 / 3)
    assert scores["mean_iou"] == pytest.approx((1 / 2 + 1) / 2)


@pytest.mark.parametrize("void", [1, 255])
def test_predictions_on_void_pixels_change_nothing(random_batches, void) -> None:
    metric, other = SegmentationScores(5, void), SegmentationScores(5, void)
    for scores, target in random_batches(3, 5, void):
        metric.update(scores, target)
        other.update(torch.where((target == void)[:, None], torch.randn(scores.shape), scores), target)
    assert torch.equal(metric.confusion, other.confusion)


def test_nothing_labelled_gives_nan() -> None:
    scores = SegmentationScores(3, 0)(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64))
    assert scores["void_masked_accuracy"].isnan()
    assert scores["mean_iou"].isnan()
    assert scores["support"].tolist() == [0, 0, 0]


def test_shapes_that_differ_are_reported() -> None:
    with pytest.raises(ValueError, match=r"for a target of \(2, 4, 4\), got \(2, 3, 4, 5\)\.$"):
        SegmentationScores(3).update(torch.zeros(2, 3, 4, 5), torch.zeros(2, 4, 4, dtype=torch.int64))
