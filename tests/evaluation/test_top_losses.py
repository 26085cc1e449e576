"""`top_losses` gives each sample the task's own loss, for any batch size, and does not change the model."""

import math

import lightning as L
import pytest
import torch

from triptych import top_losses, write_losses
from triptych.metrics.point_scores import distance_px


def alone(model, data, split="val"):
    """Path and loss of each sample, one forward pass each."""
    model.eval()
    samples = data.val_dataloader().dataset
    with torch.no_grad():
        for index in range(len(samples)):
            sample = samples[index]
            loss = model.mean_loss(model(sample["image"][None]), sample[model.target][None])
            yield sample["path"], float(loss)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("task", ["camvid", "biwi", "planet"])
def test_each_loss_is_the_tasks_own_of_that_sample_alone_and_the_worst_comes_first(
    make_panel, task, batch_size
) -> None:
    model, data = make_panel(task, batch_size=batch_size)
    found = top_losses(model, data)
    expected = list(alone(model, data))
    assert [one.loss for one in found] == sorted((one.loss for one in found), reverse=True)
    for one in found:
        path, loss = expected[one.index]
        assert one.path == path
        assert one.loss == pytest.approx(loss, rel=1e-4)
    assert sorted(one.index for one in found) == list(range(len(expected)))


def test_their_mean_is_the_validation_loss_weighed_by_labelled_pixels_or_samples(panel, tmp_path) -> None:
    model, data = panel
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(accelerator="cpu", default_root_dir=tmp_path, **quiet)
    (logged,) = trainer.validate(model, data, verbose=False)
    samples = data.val_dataloader().dataset
    total = mass = 0.0
    for one in top_losses(model, data):
        sample = samples[one.index]
        weight = int((sample["mask"] != data.metadata["ignore_index"]).sum()) if "mask" in sample else 1
        total, mass = total + weight * one.loss, mass + weight
    assert total / mass == pytest.approx(logged["val/loss"], rel=1e-5)


def test_k_takes_the_worst(panel) -> None:
    assert top_losses(*panel, k=2) == top_losses(*panel)[:2]
    with pytest.raises(ValueError, match=r"^k: expected at least 1, got 0\.$"):
        top_losses(*panel, k=0)


def test_points_have_their_error_in_pixels_of_the_frame(make_panel) -> None:
    model, data = make_panel("biwi", image_size=(24, 40))
    samples = data.val_dataloader().dataset
    found = top_losses(model, data)
    model.eval()
    for one in found:
        sample = samples[one.index]
        preds = model(sample["image"][None]).detach()
        error = distance_px(preds, sample["point"][None], sample["size"][None])
        assert one.wrong == f"{error.item():.1f} px off"


def test_training_samples_are_evaluated_without_augmentation(make_panel) -> None:
    model, data = make_panel("planet")
    found = top_losses(model, data, split="train")
    assert len(found) == len(data.records["train"])
    assert found == top_losses(model, make_panel("planet", augment=False, seed=0).data, split="train")
    assert {one.path for one in found}.isdisjoint(one.path for one in top_losses(model, data))


def test_another_split_is_reported(panel) -> None:
    with pytest.raises(ValueError, match=r'^split: expected "train", "val" or "test", got "?\'?valid'):
        top_losses(*panel, split="valid")


def test_weights_modes_gradients_and_random_state_stay(panel) -> None:
    model, data = panel
    model.train()
    model.freeze_to(-1)
    next(model.network.encoder.children()).eval()
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    before = torch.get_rng_state()
    top_losses(model, data)
    assert [module.training for module in model.modules()] == modes
    torch.testing.assert_close(dict(model.state_dict()), state, rtol=0, atol=0, equal_nan=True)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), before)


def test_modes_are_restored_after_a_failure_too(panel, monkeypatch) -> None:
    model, data = panel
    model.train()

    def fail(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(model, "loss", fail)
    with pytest.raises(RuntimeError, match="broken"):
        top_losses(model, data)
    assert model.training and model.network.training


def test_a_loss_that_is_no_number_is_the_worst(make_panel, monkeypatch) -> None:
    model, data = make_panel("planet")
    losses = iter([1.0, math.nan, 3.0, 2.0, 0.0, 0.5])
    monkeypatch.setattr(model, "loss", lambda *_: torch.tensor(next(losses)))
    assert [one.index for one in top_losses(model, data)] == [1, 2, 3, 0, 5, 4]


def test_the_list_can_be_written_for_the_next_stage(panel, tmp_path) -> None:
    found = top_losses(*panel)
    write_losses(tmp_path / "losses.csv", found)
    assert len((tmp_path / "losses.csv").read_text().splitlines()) == len(found) + 1


def test_an_empty_split_is_reported(make_panel) -> None:
    model, data = make_panel("planet")
    data.records["val"] = []
    with pytest.raises(ValueError, match=r"^PlanetDataModule: expected samples in its 'val' split, found none\.$"):
        top_losses(model, data)
