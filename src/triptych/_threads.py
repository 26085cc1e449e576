"""How the threads of OpenMP wait for each other; it is chosen when torch is about to be imported, which loads OpenMP.

libgomp's threads spin for 300,000 rounds while they wait. On a busy machine a spinning thread takes the time that the
one it waits for needs, so a training step costs several times its fair share. A shorter spin costs nothing on a quiet
machine. On a busy one threads that sleep at once share best; on a quiet one that costs a third
(`benchmarks/busy_machine.py`). A thread that sleeps often waits for its turn often, so on a busy machine it also asks
Linux for short turns, which come sooner: it gets no more time than before, but in smaller pieces.

macOS and Windows have other OpenMP libraries, which spin for a bounded time (KMP_BLOCKTIME, 200 ms). They ignore
GOMP_SPINCOUNT and know OMP_WAIT_POLICY.
"""

import ctypes
import os
import platform
import struct
import sys
import time
from pathlib import Path

_SHORT_SPIN = "10000"
_CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Variables by which a user chooses."""
_STAT = Path("/proc/stat")
_MOMENT = 0.1
"""Seconds over which idle processors are measured."""
_MIN_IDLE = 0.7
"""Fraction of this process's processors below which the machine is busy: of two, one other process leaves 0.5."""

_SHORT_TURN = 100_000
"""Nanoseconds of a turn on a processor, the shortest that Linux grants."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The number of the system call, by kind of processor; Linux reads the length of a turn from version 6.12 on."""


def choose_waiting() -> None:
    """Sets how OpenMP's threads wait, unless the user has; on a busy machine prints a line on standard error."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads == "1" or processors() == 1 or any(name in os.environ for name in _CHOICES):
        return
    busy = is_busy()
    if "torch" in sys.modules:
        if busy:
            _say("import triptych before torch, or set OMP_WAIT_POLICY=passive, and its threads share the processors.")
    elif busy:
        os.environ["OMP_WAIT_POLICY"] = "passive"
        _ask_for_short_turns()
        _say("its threads share the processors (OMP_WAIT_POLICY=passive; set it to active if you want the opposite).")
    else:
        os.environ["GOMP_SPINCOUNT"] = _SHORT_SPIN


def is_busy() -> bool:
    """Whether other processes use more than a part of the processors that this one may run on.

    On Linux measured over a moment; elsewhere by the load average, if there is one.
    """
    if not _STAT.exists():
        return hasattr(os, "getloadavg") and os.getloadavg()[0] > (1 - _MIN_IDLE) * processors()
    before = _idle_and_total()
    time.sleep(_MOMENT)
    idle, total = (after - earlier for after, earlier in zip(_idle_and_total(), before, strict=True))
    return idle < _MIN_IDLE * total


def _idle_and_total() -> tuple[int, int]:
    """Ticks that this process's processors were idle, and all their ticks, since the machine started: proc(5)."""
    rows = [line.split() for line in _STAT.read_text().splitlines()]
    own = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    ticks = [[int(text) for text in row[1:9]] for row in rows if row[0] in own]
    return sum(row[3] + row[4] for row in ticks), sum(map(sum, ticks))


def _ask_for_short_turns() -> None:
    """Asks Linux for short turns of this thread, and so of those that it starts; elsewhere does nothing.

    Source: sched_setattr(2), `sched_runtime` of SCHED_OTHER; its structure of 48 bytes begins with size, policy, flags,
    nice, priority and runtime.
    """
    call = _SCHED_SETATTR.get(platform.machine()) if sys.platform == "linux" else None
    if call is not None and os.sched_getscheduler(0) == os.SCHED_OTHER:
        attributes = struct.pack("=IIQiIQQQ", 48, os.SCHED_OTHER, 0, os.nice(0), 0, _SHORT_TURN, 0, 0)
        ctypes.CDLL(None).syscall(call, 0, attributes, 0)  # an older kernel ignores it


def processors() -> int:
    """How many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _say(what: str) -> None:
    print(f"triptych: this machine is busy: {what}", file=sys.stderr)


class _BeforeTorch:
    """Chooses when torch is about to be imported, as `sys.meta_path` tells; a process without torch does not wait."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "torch":
            choose_waiting()


if "torch" in sys.modules:
    choose_waiting()
else:
    sys.meta_path.insert(0, _BeforeTorch())
