"""A run folder or a checkpoint is enough to get the model of the right task."""

import os

import pytest
import torch

from triptych.tasks.load import find_checkpoint, load_model


def test_the_task_and_its_weights_come_back(panel, save_run) -> None:
    model = load_model(save_run(panel.model))
    assert type(model) is type(panel.model)
    saved, loaded = (dict(one.state_dict()) for one in (panel.model, model))
    torch.testing.assert_close(loaded, saved, rtol=0, atol=0, equal_nan=True)


def test_the_best_goes_before_the_last_and_the_last_before_older_ones(tmp_path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for age, name in enumerate([".last.part.ckpt", "before_last.ckpt", "last.ckpt", "epoch=1.ckpt", "best.ckpt"]):
        (folder / name).touch()
        os.utime(folder / name, (1000 - age, 1000 - age))
    assert find_checkpoint(tmp_path).name == "best.ckpt"
    (folder / "best.ckpt").unlink()
    assert find_checkpoint(tmp_path).name == "last.ckpt"


def test_of_a_recipe_the_last_stage_counts_even_where_a_copy_was_written_in_another_order(tmp_path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for age, name in enumerate(["2-small.ckpt", "9-large.ckpt", "10-larger.ckpt"]):
        (folder / name).touch()
        os.utime(folder / name, (1000 - age, 1000 - age))
    assert find_checkpoint(tmp_path).name == "10-larger.ckpt"


@pytest.mark.parametrize("made", [[], ["checkpoints"]])
def test_a_folder_without_a_checkpoint_is_told(tmp_path, made) -> None:
    for name in made:
        (tmp_path / name).mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        load_model(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: expected a run folder with a checkpoint in checkpoints/, found none; give a run such as "
        "runs/camvid/NAME, or fit with a ModelCheckpoint."
    )


def test_nothing_at_the_path_is_told(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.ckpt is not there"):
        load_model(tmp_path / "a.ckpt")


def test_a_checkpoint_of_something_else_is_told(tmp_path) -> None:
    torch.save({"state_dict": {}, "pytorch-lightning_version": "2.6"}, tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match="expected a checkpoint of UNetSegmenter, PointRegressor or MultiLabelClass"):
        load_model(tmp_path / "a.ckpt")
