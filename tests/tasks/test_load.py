"""A run folder or a checkpoint is enough to get the model of the right task."""

import pytest
import torch

from triptych.tasks.load import load_model


def test_the_task_and_its_weights_come_back(panel, save_run) -> None:
    model = load_model(save_run(panel.model))
    assert type(model) is type(panel.model)
    saved, loaded = (dict(one.state_dict()) for one in (panel.model, model))
    torch.testing.assert_close(loaded, saved, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("made", [[], ["checkpoints"]])
def test_a_folder_without_a_checkpoint_is_reported(tmp_path, made) -> None:
    for name in made:
        (tmp_path / name).mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        load_model(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: expected a run folder with a checkpoint in checkpoints/, found none; give a run such as "
        "runs/camvid/NAME, or fit with a ModelCheckpoint."
    )


def test_a_path_that_does_not_exist_is_reported(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.ckpt does not exist"):
        load_model(tmp_path / "a.ckpt")


def test_a_checkpoint_of_something_else_is_reported(tmp_path) -> None:
    torch.save({"state_dict": {}, "pytorch-lightning_version": "2.6"}, tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match="expected a checkpoint of one of UNetSegmenter, PointRegressor, "):
        load_model(tmp_path / "a.ckpt")


def test_a_checkpoint_whose_class_is_not_loaded_is_refused_without_importing_it(make_panel, save_run, trap) -> None:
    run = save_run(make_panel("planet").model)
    checkpoint = run / "checkpoints" / "best.ckpt"
    state = torch.load(checkpoint, weights_only=True)
    named = {"_class_path": trap, "_instantiator": "lightning.pytorch.cli.instantiate_module"}
    torch.save({**state, "hyper_parameters": {**state["hyper_parameters"], **named}}, checkpoint)
    with pytest.raises(ValueError, match=rf"best\.ckpt: hyper_parameters\._class_path: expected .*, got {trap};"):
        load_model(run)
