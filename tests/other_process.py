"""Processes beside a test, forked from one that has imported the package: an import takes seconds."""

import contextlib
import multiprocessing
import os
import runpy
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_only

from triptych.runs.lock import folder_lock

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["triptych.cli", "triptych.report", "pytest", "tensorboard.backend.event_processing"])


def script(words: Sequence[str], output: Path, environment: Mapping[str, str] | None = None) -> BaseProcess:
    """Starts a Python script, with a session of its own and one thread; scripts that it starts find what is in tests/.

    Args:
        words: Its path and its arguments.
        output: File for what it prints; the folder of that is its working directory.
        environment: What it has beside the variables of the test.
    """
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})}
    process = _CONTEXT.Process(target=_run, args=(list(words), output, variables, multiprocessing.get_start_method()))
    process.start()
    return process


def _run(words: list[str], output: Path, environment: dict[str, str], start_method: str) -> None:
    _take(environment)
    multiprocessing.set_start_method(start_method, force=True)  # else data workers are forked from a server too
    os.setsid()
    os.chdir(output.parent)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.argv = words
    runpy.run_path(words[0], run_name="__main__")


def _take(environment: Mapping[str, str]) -> None:
    """Replaces the variables of the process that this one is forked from, and what was read from them at its import."""
    os.environ.clear()
    os.environ.update(environment)
    rank_zero_only.rank = int(environment.get("RANK", 0))
    torch.set_num_threads(1)


@contextlib.contextmanager
def held(folder: Path, how: str = "alone") -> Iterator[BaseProcess]:
    """Another process that holds the lock of a folder, until it is killed at the end.

    Args:
        folder: The folder.
        how: `"with a worker"` if it forks a process, which lives three seconds more.
    """
    has_it = _CONTEXT.Event()
    process = _CONTEXT.Process(target=_hold, args=(folder, how, has_it, dict(os.environ)))
    process.start()
    try:
        assert has_it.wait(60)
        yield process
    finally:
        process.kill()
        process.join()


def _hold(folder: Path, how: str, has_it: Event, environment: dict[str, str]) -> None:
    _take(environment)
    with folder_lock(folder):
        if how == "with a worker":
            multiprocessing.get_context("fork").Process(target=time.sleep, args=(3,)).start()
        has_it.set()
        time.sleep(600)
