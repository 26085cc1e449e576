"""The processes that load data: what they do first, and how they are started."""

import os
import signal
import threading
from typing import Any, TypeVar

import cv2
from torch.utils.data import DataLoader

_T_co = TypeVar("_T_co", covariant=True)
_OF_THE_FIT = {signal.SIGINT, signal.SIGTERM}
"""Signals that Ctrl-C and a scheduler send to all processes, and that the fit answers for its workers."""


class WorkerLoader(DataLoader[_T_co]):
    """DataLoader whose workers cannot be ended by a signal before `start_worker` has run in them."""

    def _get_iterator(self) -> Any:
        if not self.num_workers or not hasattr(signal, "pthread_sigmask"):  # Windows
            return super()._get_iterator()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_THE_FIT)
        try:
            return super()._get_iterator()  # a worker inherits what is blocked
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker(_: int) -> None:
    """Keeps OpenCV from starting threads, which would compete with the training, and leaves signals to the fit.

    Ctrl-C and a scheduler send theirs to all processes. The fit still needs batches then, to finish its step, and ends
    its workers itself.
    """
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_if_the_fit_says_so, daemon=True).start()
    elif hasattr(signal, "pthread_sigmask"):  # macOS
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _end_if_the_fit_says_so() -> None:
    """Ends this process on a SIGTERM of its parent; one of another process is ignored."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
