"""A process beside the test that holds the lock of a run folder."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HOLD = """
import multiprocessing, sys, time
from pathlib import Path
from triptych.runs.lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    if sys.argv[2] == "with a worker":
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(3,)).start()
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def held(folder: Path, how: str = "alone") -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of a folder, until it is killed at the end.

    Args:
        folder: The folder.
        how: `"with a worker"` if it forks a process, which lives three seconds more.
    """
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder), how], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()
