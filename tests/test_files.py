"""Atomic writing: several processes at once, and what killed ones leave."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from other_process import script

from triptych.files import atomic_folder, atomic_save, save_together


def part_of(path: Path) -> Path:
    """The temporary file of this process for `path`."""
    seen: list[Path] = []
    atomic_save(path, lambda part: (seen.append(part), part.touch()))
    return seen[0]


THEIRS = """
import sys
from pathlib import Path
from triptych.files import atomic_save
atomic_save(Path(sys.argv[1]), lambda part: part.write_text("theirs"))
"""


def test_two_processes_write_the_same_file_at_the_same_time(tmp_path: Path) -> None:
    path, parts = tmp_path / "checkpoints" / "last.ckpt", []
    path.parent.mkdir()
    (tmp_path / "theirs.py").write_text(THEIRS)

    def write_while_another_process_does(part: Path) -> None:
        parts.append(part)
        part.write_text("ours")
        process = script([str(tmp_path / "theirs.py"), str(path)], tmp_path / "printed.txt")
        process.join()
        assert process.exitcode == 0 and path.read_text() == "theirs"

    atomic_save(path, write_while_another_process_does)
    assert path.read_text() == "ours"
    assert [one.name for one in path.parent.iterdir()] == ["last.ckpt"]
    assert re.fullmatch(r"\.last\.\w+-\d+\.part\.ckpt", parts[0].name)


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    machine = part_of(tmp_path / "x").name.split(".")[2].rsplit("-", 1)[0]
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    left_over = [f".last.{machine}-{gone.pid}.part.ckpt", f".mask.{machine}-{gone.pid}.part"]
    kept = [f".last.{machine}-{os.getppid()}.part.ckpt", f".last.another-{gone.pid}.part.ckpt", ".mine.part.ckpt"]
    for one in [*left_over, *kept]:
        (folder / one).touch()
    atomic_save(folder / "last.ckpt", Path.touch)
    assert {path.name for path in folder.iterdir()} == {*kept, "last.ckpt"}


def test_a_failure_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        atomic_save(path, lambda part: part.write_text(str(1 // 0)))
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.json", "old")]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "below" / "folder"
    for name in ("old", "new"):
        with atomic_folder(folder) as part:
            assert part.parent.parent == folder.parent
            (part / name).touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert [*folder.parent.iterdir()] == [folder]


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="full"), atomic_folder(tmp_path / "folder") as part:
        (part / "half").touch()
        raise OSError("full")
    assert [*tmp_path.rglob("*")] == [tmp_path / "folder"]


def test_several_files_are_written_all_or_none(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    save_together({tmp_path / "a" / "b" / "1.txt": b"1", table: b"1"})
    (tmp_path / "folder.csv").mkdir()
    before = {*tmp_path.rglob("*")}
    with pytest.raises(IsADirectoryError):
        save_together({tmp_path / "c" / "2.txt": b"2", tmp_path / "a" / "2.txt": b"2", tmp_path / "folder.csv": b"2"})
    assert {*tmp_path.rglob("*")} == before
    save_together({tmp_path / "a" / "2.txt": b"2", table: b"2"})
    assert {*tmp_path.rglob("*")} == before | {tmp_path / "a" / "2.txt"}
    assert table.read_bytes() == b"2"
