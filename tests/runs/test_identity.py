"""Two identities differ in what changes the result of a run, and in nothing else."""

from typing import Any

import pytest

from triptych.runs.identity import arguments_of, first_difference
from triptych.trainer.processes import number_of_devices, number_used


def identity(**trainer: Any) -> dict[str, Any]:
    data = {"root": "streets", "num_workers": 2, "image_size": (96, 128)}
    return {"seed": 0, **arguments_of({"encoder": "resnet34", "_class_path": "a.Thing"}, data, trainer)}


def test_what_does_not_change_the_result_is_left_out_and_the_rest_is_plain() -> None:
    assert identity(precision="32-true", log_every_n_steps=5, max_epochs=3) == {
        "seed": 0,
        "model.encoder": "resnet34",
        "data.root": "streets",
        "data.image_size": [96, 128],
        "trainer.precision": "32-true",
    }


@pytest.mark.parametrize("was", [{"devices": 4, "num_nodes": 1}, {"devices": [0, 1, 2, 5], "num_nodes": 1}])
def test_the_number_of_processes_counts_however_it_is_made_up(was: dict[str, Any]) -> None:
    assert first_difference(identity(**was), identity(devices=2, num_nodes=2)) is None
    changed = first_difference(identity(**was), identity(devices=2, num_nodes=1))
    assert changed == "number of processes was 4, now 2"


def test_the_first_difference_is_named_and_an_argument_of_a_newer_release_is_none() -> None:
    was = {"seed": 0, "model.max_lr": 1e-3, "data.seed": 1}
    assert first_difference(was, {"seed": 0, "model.max_lr": 1e-3, "data.seed": 2}) == "data.seed was 1, now 2"
    assert first_difference(was, {**was, "model.new": 3}) is None


@pytest.mark.parametrize("word", ["find", ["find/100", "find"], "auto", "balanced"])
def test_a_word_is_what_it_was_resolved_to(word: Any) -> None:
    assert first_difference({"model.max_lr": 0.003}, {"model.max_lr": word}) is None
    assert first_difference({"model.max_lr": word}, {"model.max_lr": 0.003}) is not None


def test_what_the_data_say_is_what_they_said() -> None:
    """Release 0.1.0 wrote 1 for a number of points that nobody had given; now that is None."""
    assert first_difference({"model.num_points": 1}, {"model.num_points": None}) is None
    assert first_difference({"model.num_points": 1}, {"model.num_points": 5}) == "model.num_points was 1, now 5"
    assert first_difference({"model.freeze_to": 1}, {"model.freeze_to": None}) is not None


@pytest.mark.parametrize(("devices", "number"), [(2, 2), ("2", 2), ([3], 1), ("3,", 1), ("0, 2", 2), ("auto", 1)])
def test_device_numbers_are_counted(devices: Any, number: int) -> None:
    assert number_used(devices, "cpu") == number
    assert number_of_devices(devices) == (None if devices == "auto" else number)
