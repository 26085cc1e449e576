"""How OpenMP's threads wait is chosen when the package is imported, unless the user has."""

import ctypes
import os
import platform
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest

from triptych import _threads

ADVICE = "import triptych before torch, or set OMP_WAIT_POLICY=passive"


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_threads, "processors", lambda: 2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for name in _threads._CHOICES:
        monkeypatch.delenv(name, raising=False)


def chosen(monkeypatch: pytest.MonkeyPatch, busy: bool, torch_is_loaded: bool = False) -> Mapping[str, str]:
    """The variables that are set."""
    monkeypatch.setattr(_threads, "is_busy", lambda: busy)
    monkeypatch.setattr(_threads, "_ask_for_short_turns", lambda: None)
    if not torch_is_loaded:
        monkeypatch.delitem(sys.modules, "torch")
    before = dict(os.environ)
    _threads.choose_waiting()
    after = {name: value for name, value in os.environ.items() if name not in before}
    for name in after:
        monkeypatch.delenv(name)
    return after


def test_on_a_quiet_machine_threads_spin_for_a_short_time_and_nothing_is_said(two_processors, monkeypatch, capsys):
    assert chosen(monkeypatch, busy=False) == {"GOMP_SPINCOUNT": "10000"}
    assert capsys.readouterr().err == ""


def test_on_a_busy_machine_threads_sleep_and_a_line_says_so(two_processors, monkeypatch, capsys):
    assert chosen(monkeypatch, busy=True) == {"OMP_WAIT_POLICY": "passive"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("triptych: this machine is busy") and "OMP_WAIT_POLICY=passive" in line


def test_on_a_busy_machine_threads_get_short_turns_and_keep_their_priority() -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("reads the turn by a system call of Linux on x86-64")
    if tuple(int(number) for number in platform.release().split(".")[:2]) < (6, 12):
        pytest.skip("before Linux 6.12 all turns have the same length")

    def turn() -> tuple[int, int]:
        """(priority, nanoseconds of a turn) of the thread that asks: sched_getattr(2)."""
        found = ctypes.create_string_buffer(48)
        assert ctypes.CDLL(None).syscall(315, 0, found, 48, 0) == 0
        _, _, _, nice, _, runtime, _, _ = struct.unpack("=IIQiIQQQ", found.raw)
        return nice, runtime

    def asks() -> None:
        os.nice(3)  # of this thread alone
        before.append(turn())
        _threads._ask_for_short_turns()
        of_a_child = threading.Thread(target=lambda: after.append(turn()))
        of_a_child.start()
        of_a_child.join()

    before: list[tuple[int, int]] = []
    after: list[tuple[int, int]] = []
    thread = threading.Thread(target=asks)  # the turns of the tests stay as they are
    thread.start()
    thread.join()
    assert before[0][1] > _threads._SHORT_TURN
    assert after == [(before[0][0], _threads._SHORT_TURN)]


@pytest.mark.parametrize("name", _threads._CHOICES)
def test_what_the_user_has_chosen_stays(two_processors, monkeypatch, capsys, name):
    monkeypatch.setenv(name, "7")
    assert chosen(monkeypatch, busy=True) == {}
    assert capsys.readouterr().err == ""


def test_one_thread_waits_for_nobody(two_processors, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert chosen(monkeypatch, busy=True) == {}


@pytest.mark.parametrize("busy", [False, True])
def test_after_torch_there_is_only_advice_and_only_on_a_busy_machine(two_processors, monkeypatch, capsys, busy):
    assert chosen(monkeypatch, busy, torch_is_loaded=True) == {}
    assert (ADVICE in capsys.readouterr().err) == busy


def test_the_package_chooses_before_it_loads_torch() -> None:
    watched = (
        "import sys, importlib.abc, os\n"
        "class Watch(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch': print({'OMP_WAIT_POLICY', 'GOMP_SPINCOUNT'} & os.environ.keys()); sys.exit()\n"
        "sys.meta_path.insert(0, Watch())\n"
        "import triptych, torch"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP", "GOMP"))}
    done = subprocess.run([sys.executable, "-c", watched], env=environment, capture_output=True, text=True, timeout=60)
    if len(os.sched_getaffinity(0)) > 1:
        assert done.stdout.startswith(("{'OMP_WAIT_POLICY'}", "{'GOMP_SPINCOUNT'}"))


def test_without_torch_nothing_is_chosen_and_nobody_waits() -> None:
    code = (
        "import os, time\n"
        "def wait(seconds): raise AssertionError(seconds)\n"
        "time.sleep = wait\n"
        "import triptych.images\n"
        "assert not {'OMP_WAIT_POLICY', 'GOMP_SPINCOUNT'} & os.environ.keys()"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP", "GOMP"))}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)


@pytest.mark.parametrize(("idle", "busy"), [(100, False), (71, False), (50, True), (0, True)])
def test_a_machine_is_busy_if_others_use_its_processors(tmp_path, monkeypatch, idle, busy) -> None:
    """Ticks of processor 0, to which this process is bound; those of the others do not count."""
    stat = tmp_path / "stat"
    stat.write_text("cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 1000 0 0 5000 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n")
    later = f"cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 {1100 - idle} 0 0 {5000 + idle} 0 0 0 0 0 0\ncpu1 900 0 0 0 0 0 0 0 0 0\n"
    monkeypatch.setattr(_threads, "_STAT", stat)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    monkeypatch.setattr(_threads.time, "sleep", lambda seconds: stat.write_text(later))
    assert _threads.is_busy() == busy


@pytest.mark.parametrize(("load", "busy"), [(0.1, False), (1.5, True)])
def test_without_proc_the_load_average_tells(tmp_path, monkeypatch, load, busy) -> None:
    monkeypatch.setattr(_threads, "_STAT", tmp_path / "absent")
    monkeypatch.setattr(_threads, "processors", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0, 0), raising=False)
    assert _threads.is_busy() == busy
