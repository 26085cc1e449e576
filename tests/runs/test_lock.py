"""One living process writes into a folder; what a killed one left keeps nobody out."""

import os
import platform
from pathlib import Path

import pytest
from other_process import held, script

from triptych.runs.layout import RunLayout
from triptych.runs.lock import LockedError, folder_lock, lock_of_parent

TAKE = """
import sys
from pathlib import Path
from triptych.runs.lock import folder_lock, lock_of_parent
folder_lock(Path(sys.argv[1])).__enter__()
print(lock_of_parent())
"""


def test_a_second_process_is_refused_and_told_who_writes_there(tmp_path: Path) -> None:
    with held(tmp_path) as process:
        words = f"^{tmp_path}: process {process.pid} on {platform.node()} writes there; wait until it ends, or let "
        with pytest.raises(LockedError, match=words), folder_lock(tmp_path):
            pass
        assert not RunLayout(tmp_path).traces()


@pytest.mark.parametrize("how", ["alone", "with a worker"])
def test_the_lock_of_a_killed_process_keeps_nobody_out(how: str, tmp_path: Path) -> None:
    with held(tmp_path, how) as process:
        process.kill()
        process.join()
        assert (tmp_path / ".lock").exists()
        with folder_lock(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def taken(folder: Path, output: Path) -> str:
    """What another process prints that takes the lock of a folder."""
    code = output.with_suffix(".py")
    code.write_text(TAKE)
    process = script([str(code), str(folder)], output)
    process.join()
    return output.read_text()


def test_a_lock_taken_twice_ends_with_the_second_and_so_does_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "a"
    with folder_lock(folder):
        with folder_lock(folder):
            pass
        with monkeypatch.context() as patch:
            patch.delenv("TRIPTYCH_LOCKED")
            refusal = taken(folder, tmp_path / "other.txt")
        assert f"{folder}: process {os.getpid()} on {platform.node()} writes there" in refusal
    assert not (tmp_path / "runs").exists()


def test_a_process_needs_no_lock_that_the_one_has_which_started_it(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        assert lock_of_parent() is None
        assert taken(tmp_path, tmp_path / "other.txt") == f"{tmp_path}\n"
    assert "TRIPTYCH_LOCKED" not in os.environ
