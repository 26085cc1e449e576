"""`UNetSegmenter` leaves void out of loss and scores alike, and weighs by labelled pixels."""

import numpy as np
import pytest
import torch
from recorded import record_targets
from segmentation_models_pytorch.losses import DiceLoss
from torch.nn import functional as F

from triptych import CamVidDataModule, UNetSegmenter, VoidMaskedAccuracy
from triptych.tasks.paste import pasted
from triptych.tasks.segmentation import balanced_weights

SMALL = {"num_classes": 4, "encoder": "resnet18", "encoder_weights": None}
WEIGHTS = [0.5, 2.0, 9.0, 1.5]


def segmenter(**arguments) -> UNetSegmenter:
    torch.manual_seed(0)
    return UNetSegmenter(**{**SMALL, **arguments})


def random_batch(void: int | None, fraction: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    mask = torch.randint(4, (3, 8, 9), generator=generator)
    if void is not None:
        mask[torch.rand(mask.shape, generator=generator) < fraction] = void
    return torch.randn(3, 4, 8, 9, generator=generator, requires_grad=True), mask


@pytest.mark.parametrize("weights", [None, WEIGHTS, [1, 2, 0, 3]])
@pytest.mark.parametrize("void", [None, 2, 255])
def test_loss_and_gradient_are_torchs_mean_over_labelled_pixels(void, weights) -> None:
    logits, mask = random_batch(void)
    expected = F.cross_entropy(
        logits,
        mask,
        None if weights is None else torch.tensor(weights).float(),
        ignore_index=-100 if void is None else void,
    )
    (expected_gradient,) = torch.autograd.grad(expected, logits)
    loss = segmenter(ignore_index=void, class_weights=weights).mean_loss(logits, mask)
    (gradient,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(loss.float(), expected)
    torch.testing.assert_close(gradient, expected_gradient)
    if void is not None:
        assert (gradient.movedim(1, -1)[mask == void] == 0).all()


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_batch_of_void_alone_has_no_loss_and_no_gradient(weights) -> None:
    logits, mask = random_batch(2, fraction=1.1)
    loss = segmenter(ignore_index=2, class_weights=weights).mean_loss(logits, mask)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_loss_is_computed_in_float32_whatever_the_logits_are(dtype) -> None:
    logits, mask = random_batch(2)
    loss = segmenter(ignore_index=2).mean_loss(logits.to(dtype), mask).float()
    torch.testing.assert_close(loss, F.cross_entropy(logits.to(dtype).float(), mask, ignore_index=2))


def test_a_wrong_number_of_class_weights_is_reported() -> None:
    with pytest.raises(ValueError, match=r"^class_weights: expected 4 numbers \(num_classes\), got 3\.$"):
        segmenter(class_weights=[1.0, 1.0, 1.0])


@pytest.mark.parametrize("arguments", [{}, {"num_classes": None}])
def test_another_word_than_balanced_is_reported(counted, make_trainer, arguments) -> None:
    with pytest.raises(
        ValueError, match=r"""^class_weights: expected 4 numbers \(num_classes\) or "balanced", got 'x'"""
    ):
        make_trainer().fit(segmenter(class_weights="x", **arguments), counted([1, 1, 0, 1]))


@pytest.fixture
def counted(noise):
    """The same noise from a data module that counts its classes."""

    def make(counts):
        noise.class_counts = lambda: counts
        return noise

    return make


@pytest.mark.parametrize("arguments", [{}, {"num_classes": None}])
def test_balanced_weights_fall_with_the_fourth_root_and_average_one(counted, make_trainer, arguments) -> None:
    model, counts = segmenter(class_weights="balanced", **arguments), [900, 100, 0, 0]
    make_trainer().fit(model, counted(counts))
    weights = model.hparams["class_weights"]
    assert weights[0] * 3**0.5 == pytest.approx(weights[1])
    assert weights[2:] == [0, 0]
    assert 0.9 * weights[0] + 0.1 * weights[1] == pytest.approx(1)
    assert {type(weight) for weight in weights} == {float}


def test_the_checkpoint_of_a_balanced_fit_holds_numbers_and_needs_no_data(counted, make_trainer, tmp_path) -> None:
    model, trainer = segmenter(class_weights="balanced"), make_trainer()
    trainer.fit(model, counted([900, 100, 0, 50]))
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    saved = torch.load(tmp_path / "a.ckpt", weights_only=True)["hyper_parameters"]["class_weights"]
    loaded = UNetSegmenter.load_from_checkpoint(tmp_path / "a.ckpt")
    assert loaded.hparams["class_weights"] == saved == model.hparams["class_weights"]
    logits, mask = random_batch(2)
    torch.testing.assert_close(loaded.mean_loss(logits, mask), model.mean_loss(logits, mask))
    make_trainer().fit(loaded, counted([1, 1, 1, 1]))
    assert loaded.hparams["class_weights"] == saved


def test_each_frame_gets_the_pixels_of_some_classes_of_the_frame_before() -> None:
    mask = torch.randint(6, (3, 8, 9), generator=torch.Generator().manual_seed(0))
    numbers = torch.arange(3)[:, None, None]
    image = (10 * numbers + mask).to(torch.uint8)[:, None].expand(3, 2, 8, 9)  # says whose pixel it is, of which class
    after = pasted({"image": image, "mask": mask, "path": ["a", "b", "c"]}, [2, 5])
    for number in range(3):
        before = (number - 1) % 3
        for row, column in np.ndindex(8, 9):
            of = before if mask[before, row, column] in (2, 5) else number
            assert after["mask"][number, row, column] == mask[of, row, column]
            assert after["image"][number, :, row, column].tolist() == [10 * of + int(mask[of, row, column])] * 2
    assert after["path"] == ["a", "b", "c"]


@pytest.mark.parametrize("paste", [0.0, 1.0])
def test_a_fit_pastes_the_rare_classes_of_the_data_and_scores_frames_as_they_are(counted, make_trainer, paste) -> None:
    model, data = segmenter(paste=paste), counted([900, 900, 100, 0])
    seen = record_targets(model)
    make_trainer(max_epochs=1, num_sanity_val_steps=0).fit(model, data)
    as_they_are = torch.cat([batch["mask"] for batch in data.batches])
    with_pasted = torch.cat([pasted(batch, [2])["mask"] for batch in data.batches])
    assert not torch.equal(as_they_are, with_pasted)
    assert torch.equal(torch.cat(seen[True]), with_pasted if paste else as_they_are)
    assert torch.equal(torch.cat(seen[False]), as_they_are)


@pytest.mark.parametrize("paste", [-0.1, 1.1, float("nan")])
def test_a_paste_that_is_no_probability_is_reported(paste) -> None:
    with pytest.raises(ValueError, match=rf"^paste: expected a probability, 0 to 1, got {paste}\.$"):
        segmenter(paste=paste)


def test_pasting_takes_data_that_count(noise, make_trainer) -> None:
    with pytest.raises(ValueError, match=r"^paste: 0\.5 needs a data module with class_counts\(\), .*; leave it out"):
        make_trainer().fit(segmenter(paste=0.5), noise)


@pytest.mark.parametrize("stage", ["validate", "test"])
def test_balanced_weights_without_a_fit_are_refused(counted, make_trainer, stage) -> None:
    with pytest.raises(ValueError, match=r'^class_weights: "balanced" is computed at the start of a fit, .* load'):
        getattr(make_trainer(), stage)(segmenter(class_weights="balanced"), counted([1, 1, 0, 1]), verbose=False)


def test_predictions_need_no_weights(noise, make_trainer) -> None:
    predicted = make_trainer().predict(segmenter(class_weights="balanced"), noise)
    assert len(predicted) == len(noise.batches)


def test_balanced_weights_take_data_that_count(noise, make_trainer) -> None:
    with pytest.raises(ValueError, match=r'^class_weights: "balanced" needs a data module with class_counts\(\)'):
        make_trainer().fit(segmenter(class_weights="balanced"), noise)


def test_balanced_weights_of_void_alone_are_refused() -> None:
    with pytest.raises(ValueError, match=r'^class_weights: "balanced" needs labelled pixels; .* have none\.$'):
        balanced_weights([0, 0])


def test_classes_without_names_have_numbers() -> None:
    assert segmenter().class_names == ["class 0", "class 1", "class 2", "class 3"]


@pytest.mark.parametrize("stage", ["validate", "test"])
@pytest.mark.parametrize("void", [2, None])
def test_logged_loss_and_scores_are_those_of_all_labelled_pixels(noise_of, make_trainer, void, stage) -> None:
    data, model = noise_of({"ignore_index": void}), segmenter()
    (logged,) = getattr(make_trainer(), stage)(model, datamodule=data, verbose=False)
    accuracy, logits, masks = VoidMaskedAccuracy(void), [], []
    with torch.no_grad():
        for batch in data.batches:
            logits.append(model.eval()(batch["image"]))
            masks.append(batch["mask"])
            accuracy.update(logits[-1], masks[-1])
    loss = F.cross_entropy(torch.cat(logits), torch.cat(masks), ignore_index=-100 if void is None else void)
    prefix = {"validate": "val", "test": "test"}[stage]
    assert set(logged) == {f"{prefix}/{name}" for name in ("loss", "void_masked_accuracy", "mean_iou")}
    assert logged[f"{prefix}/loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert logged[f"{prefix}/void_masked_accuracy"] == accuracy.compute()
    assert logged[f"{prefix}/mean_iou"] == model.last_scores["mean_iou"]


def test_scores_start_anew_each_time(noise, make_trainer) -> None:
    model, trainer = segmenter(), make_trainer()
    assert trainer.validate(model, noise, verbose=False) == trainer.validate(model, noise, verbose=False)


@torch.no_grad()
def test_predictions_are_class_ids_in_the_size_of_each_file() -> None:
    model = segmenter().eval()
    images = torch.randint(256, (3, 3, 32, 48), dtype=torch.uint8)
    masks = model.predict_step({"image": images, "size": torch.tensor([[32, 48], [64, 96], [31, 17]])}, 0)
    assert [(mask.shape, mask.dtype) for mask in masks] == [
        ((32, 48), torch.uint8), ((64, 96), torch.uint8), ((31, 17), torch.uint8)
    ]  # fmt: skip
    assert torch.equal(masks[0], model(images)[0].argmax(dim=0))
    twice = F.interpolate(model(images)[1:2], scale_factor=2, mode="bilinear")[0].argmax(dim=0)
    assert (masks[1] == twice).float().mean() > 0.999


def test_validation_loss_does_not_depend_on_the_batch_size(drawn_streets, make_trainer) -> None:
    """In float64, since the last bits of a network's float32 output depend on the batch size."""
    model = segmenter(num_classes=32, ignore_index=30, class_weights=[0.1 + number % 5 for number in range(32)])
    logged = []
    for batch_size in (1, 3, 4):
        data = CamVidDataModule(str(drawn_streets), image_size=(64, 96), batch_size=batch_size)
        make_trainer(precision="64-true").validate(model, data, verbose=False)
        logged.append(float(model.trainer.callback_metrics["val/loss"]))
    assert logged == pytest.approx([logged[0]] * 3, abs=1e-8)


def test_a_loss_of_ones_own_is_a_mean_over_samples(drawn_streets, make_trainer) -> None:
    class Dice(UNetSegmenter):
        def loss(self, preds, target):
            return DiceLoss("multiclass", ignore_index=30)(preds, target)

    torch.manual_seed(0)
    model, data = (
        Dice(**{**SMALL, "num_classes": 32}),
        CamVidDataModule(str(drawn_streets), image_size=(64, 96), batch_size=3),
    )
    make_trainer().validate(model, data, verbose=False)
    batches = list(data.val_dataloader())
    with torch.no_grad():
        losses = [
            len(batch["mask"]) * float(model.loss(model.eval()(batch["image"]), batch["mask"])) for batch in batches
        ]
    expected = sum(losses) / sum(len(batch["mask"]) for batch in batches)
    assert float(model.trainer.callback_metrics["val/loss"]) == pytest.approx(expected, rel=1e-6)
