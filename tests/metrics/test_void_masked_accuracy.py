"""`VoidMaskedAccuracy` is its function, and torchmetrics' micro accuracy with `ignore_index`."""

import pickle

import pytest
import torch
from torchmetrics.classification import MulticlassAccuracy

from triptych import VoidMaskedAccuracy
from triptych.metrics.functional import correct_and_labelled

VOIDS = [None, 0, 3, 6, 255]
"""Not there, first, in the middle, last, and outside of the seven classes."""


@pytest.mark.parametrize("form", ["scores", "ids", "bfloat16", "float16"])
@pytest.mark.parametrize("void", VOIDS)
@pytest.mark.parametrize("seed", range(3))
def test_class_is_its_function_and_torchmetrics(random_batches, seed, void, form) -> None:
    metric = VoidMaskedAccuracy(void)
    reference = MulticlassAccuracy(num_classes=7, average="micro", ignore_index=void)
    counts = torch.zeros(2, dtype=torch.int64)
    for scores, target in random_batches(seed, 7, void):
        preds = {"scores": scores, "ids": scores.argmax(dim=1)}.get(form)
        preds = scores.to(getattr(torch, form)) if preds is None else preds
        metric.update(preds, target)
        reference.update(preds, target)
        counts += torch.stack(correct_and_labelled(preds, target, void))
    assert 0 < counts[0] < counts[1]
    assert metric.compute() == counts[0] / counts[1]
    assert metric.compute() == reference.compute()


def test_result_does_not_depend_on_how_the_pixels_are_batched(random_batches) -> None:
    metric, whole = VoidMaskedAccuracy(3), VoidMaskedAccuracy(3)
    batches = random_batches(0, 7, 3, count=6)
    for scores, target in batches:
        metric.update(scores, target)
    ids = torch.cat([scores.argmax(dim=1).flatten() for scores, _ in batches])
    whole.update(ids[None, None], torch.cat([target.flatten() for _, target in batches])[None, None])
    assert metric.compute() == whole.compute()
    assert metric.compute() != torch.stack([VoidMaskedAccuracy(3)(*batch) for batch in batches]).mean()


@pytest.mark.parametrize("void", [3, 255])
def test_predictions_on_void_pixels_change_nothing(random_batches, void) -> None:
    for scores, target in random_batches(1, 7, void):
        changed = torch.where((target == void)[:, None], torch.randn(scores.shape), scores)
        assert not torch.equal(changed, scores)
        torch.testing.assert_close(
            VoidMaskedAccuracy(void)(changed, target), VoidMaskedAccuracy(void)(scores, target), equal_nan=True
        )


def test_nothing_labelled_gives_nan_and_adds_nothing_to_other_batches() -> None:
    metric, void = VoidMaskedAccuracy(2), torch.full((1, 4, 4), 2)
    assert metric(torch.zeros(1, 3, 4, 4), void).isnan()
    assert metric(torch.zeros(1, 4, 4, dtype=torch.int64), torch.zeros(1, 4, 4, dtype=torch.int64)) == 1
    metric.update(torch.zeros(1, 3, 4, 4), void)
    assert metric.compute() == 1


@pytest.mark.parametrize(
    ("preds", "target"),
    [((2, 7, 4, 5), (2, 4, 4)), ((2, 4, 5), (3, 4, 5)), ((4, 5), (2, 4, 5)), ((2, 4, 4), (4, 4, 4))],
)
def test_shapes_that_differ_are_reported(preds, target) -> None:
    with pytest.raises(ValueError, match="preds") as caught:
        VoidMaskedAccuracy(0).update(torch.zeros(preds), torch.zeros(target))
    assert str(caught.value) == (
        f"preds: expected scores (N, C, H, W) or class ids (N, H, W) for a target of {target}, got {preds}."
    )


def test_counts_stay_whole_beyond_what_float32_can_tell_apart() -> None:
    metric = VoidMaskedAccuracy(255)
    zeros = torch.zeros(1, 1, 1, dtype=torch.int64)
    metric.update(zeros.expand(1, 4096, 4096), zeros.expand(1, 4096, 4096))
    for _ in range(3):
        metric.update(zeros, zeros)
    metric.update(zeros, zeros + 1)
    assert (metric.correct.item(), metric.labelled.item()) == (2**24 + 3, 2**24 + 4)


def test_state_survives_pickling_and_state_dict_and_not_reset() -> None:
    metric, target = VoidMaskedAccuracy(1), torch.tensor([[[0, 1, 2, 2]]])
    metric.update(torch.tensor([[[0, 0, 2, 0]]]), target)
    expected = torch.tensor(2) / 3
    copy = pickle.loads(pickle.dumps(metric))
    assert (copy.compute(), copy.ignore_index) == (expected, 1)

    metric.persistent(True)
    loaded = VoidMaskedAccuracy(1)
    loaded.persistent(True)
    loaded.load_state_dict(metric.state_dict())
    loaded.update(torch.zeros_like(target), torch.full_like(target, 1))
    assert loaded.compute() == expected

    metric.reset()
    metric.update(target, target)
    assert metric.compute() == 1
    assert copy.compute() == expected
