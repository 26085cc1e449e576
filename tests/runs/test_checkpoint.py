"""Checkpoints are complete or refused in one line, which names the previous one if it exists."""

import pickle
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from triptych.runs.checkpoint import (
    AtomicCheckpointIO,
    best_score,
    newest_readable,
    read_checkpoint,
    read_hyper_parameters,
)
from triptych.runs.layout import previous

STATE: dict[str, Any] = {"state_dict": {"weight": torch.arange(3000.0)}, "pytorch-lightning_version": "2.6"}
FOREIGN: dict[str, Any] = {
    "a list": [1, 2],
    "weights alone": {"weight": torch.ones(3)},
    "one key of two": {"state_dict": {}},
}


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """A complete checkpoint, and a complete previous one."""
    path = tmp_path / "last.ckpt"
    for each in (path, previous(path)):
        AtomicCheckpointIO().save_checkpoint({**STATE, "global_step": len(each.name)}, each)
    return path


def refused(path: Path, instead: str) -> None:
    with pytest.raises((FileNotFoundError, ValueError)) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    assert re.fullmatch(f"ckpt_path: {re.escape(str(path))} ({WRONG}); {instead}\\.", message), message


WRONG = "does not exist|is not a checkpoint, or incomplete|is not a Lightning checkpoint"
SUCH = r"expected a file that `triptych fit` saved, such as runs/camvid/NAME/checkpoints/best\.ckpt"


def refused_with_and_without_one_before(last: Path) -> None:
    """Checks both checkpoints, and which one is used instead."""
    refused(last, f"the previous one is {re.escape(str(last.parent))}/before_last\\.ckpt")
    assert newest_readable(last) == previous(last)
    previous(last).unlink()
    refused(last, SUCH)
    assert newest_readable(last) is None


def test_a_whole_checkpoint_is_read_as_it_was_written(last: Path) -> None:
    state = read_checkpoint(last)
    assert torch.equal(state["state_dict"]["weight"], STATE["state_dict"]["weight"])
    assert newest_readable(last) == last
    assert {path.name for path in last.parent.iterdir()} == {"last.ckpt", "before_last.ckpt"}


@pytest.mark.parametrize("number", range(8))
def test_a_incomplete_checkpoint_is_refused_and_the_one_before_is_named(number: int, last: Path) -> None:
    data = last.read_bytes()
    lengths = [0, 1, len(data) - 1, *random.Random(0).sample(range(2, len(data) - 1), 5)]
    last.write_bytes(data[: lengths[number]])
    refused_with_and_without_one_before(last)


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_torchs_with_something_else_is_refused(kind: str, last: Path) -> None:
    torch.save(FOREIGN[kind], last)
    refused_with_and_without_one_before(last)


class Ours:
    """An object that could only be loaded by importing its class."""


@pytest.mark.parametrize("data", [b"not a checkpoint\n", b"\x89PNG\r\n\x1a\n" * 50, pickle.dumps(STATE["state_dict"])])
def test_a_foreign_file_is_refused(data: bytes, last: Path) -> None:
    last.write_bytes(data)
    refused_with_and_without_one_before(last)


def test_a_checkpoint_with_an_object_of_some_class_is_refused(last: Path) -> None:
    torch.save({**STATE, "hyper_parameters": Ours()}, last)
    refused_with_and_without_one_before(last)


def test_a_checkpoint_that_does_not_exist_is_reported(last: Path) -> None:
    last.unlink()
    refused_with_and_without_one_before(last)


def test_a_failed_save_leaves_the_file_that_was_there(last: Path) -> None:
    data = last.read_bytes()
    with pytest.raises((AttributeError, pickle.PicklingError)):
        AtomicCheckpointIO().save_checkpoint({**STATE, "what": lambda: 0}, last)
    assert last.read_bytes() == data
    assert {path.name for path in last.parent.iterdir()} == {"last.ckpt", "before_last.ckpt"}


def test_folders_are_made(tmp_path: Path) -> None:
    AtomicCheckpointIO().save_checkpoint(STATE, str(tmp_path / "a" / "b" / "best.ckpt"))
    assert newest_readable(tmp_path / "a" / "b" / "best.ckpt") is not None


@pytest.mark.parametrize(
    ("callbacks", "score"),
    [
        ({}, "unknown"),
        ({"first": {"best_model_score": None}, "second": {}}, "unknown"),
        ({"first": {}, "second": {"best_model_score": torch.tensor(0.5), "monitor": "val/f2"}}, "val/f2 0.5000"),
    ],
)
def test_the_best_score_is_that_of_the_callback_that_monitored(callbacks: Any, score: str, tmp_path: Path) -> None:
    torch.save({**STATE, "callbacks": callbacks}, tmp_path / "best.ckpt")
    assert best_score(tmp_path / "best.ckpt") == score
    torch.save({**STATE, "callbacks": callbacks, "scored_over": "valid.txt, 9 frames"}, tmp_path / "best.ckpt")
    known = f"{score} (valid.txt, 9 frames)" if score != "unknown" else score
    assert best_score(tmp_path / "best.ckpt") == known


@pytest.mark.parametrize(
    "hyper_parameters",
    [
        {},
        {"_class_path": "triptych.UNetSegmenter", "_instantiator": "any.text", "max_lr": 1e-3, "class_names": ["a.b"]},
        {"loss": {"class_path": "torch.nn.CrossEntropyLoss", "init_args": {}}, "optimizer": "torch.optim.SGD"},
        {"parts": [{"class_path": "torch.optim.SGD"}, {"class_path": "torch.optim.lr_scheduler.StepLR"}]},
    ],
)
def test_hyper_parameters_that_name_loaded_parts_of_a_model_are_read(hyper_parameters: Any, tmp_path: Path) -> None:
    torch.save({**STATE, "hyper_parameters": hyper_parameters}, tmp_path / "best.ckpt")
    assert read_hyper_parameters(tmp_path / "best.ckpt") == hyper_parameters


@pytest.mark.parametrize(
    "placed", [lambda one: one, lambda one: {"loss": one}, lambda one: {"init_args": {"losses": [1, (one,)]}}]
)
@pytest.mark.parametrize("key", ["_class_path", "class_path"])
@pytest.mark.parametrize("class_path", ["a_trap.Thing", "os.system", "subprocess.Popen"])
def test_hyper_parameters_that_name_anything_else_are_refused(
    placed: Callable[[Any], Any], key: str, class_path: str, tmp_path: Path, trap: str
) -> None:
    named = placed({key: class_path, "max_lr": 1e-3})
    torch.save({**STATE, "hyper_parameters": named}, tmp_path / "best.ckpt")
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        read_hyper_parameters(tmp_path / "best.ckpt")
    assert str(caught.value).startswith(
        f"{tmp_path}/best.ckpt: hyper_parameters.{key}: expected a loaded subclass of Module or Optimizer or "
        f"LRScheduler, got {class_path}; "
    )
