"""The checkpoint of a run is the best one, else the last stage's, else the newest."""

import os

from triptych.runs.layout import RunLayout


def test_the_best_goes_before_the_last_and_the_last_before_older_ones(tmp_path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for age, name in enumerate([".last.part.ckpt", "before_last.ckpt", "last.ckpt", "epoch=1.ckpt", "best.ckpt"]):
        (folder / name).touch()
        os.utime(folder / name, (1000 - age, 1000 - age))
    assert RunLayout(tmp_path).find_checkpoint().name == "best.ckpt"
    (folder / "best.ckpt").unlink()
    assert RunLayout(tmp_path).find_checkpoint().name == "last.ckpt"


def test_of_a_recipe_the_last_stage_counts_even_where_a_copy_was_written_in_another_order(tmp_path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for age, name in enumerate(["2-small.ckpt", "9-large.ckpt", "10-larger.ckpt"]):
        (folder / name).touch()
        os.utime(folder / name, (1000 - age, 1000 - age))
    assert RunLayout(tmp_path).find_checkpoint().name == "10-larger.ckpt"
