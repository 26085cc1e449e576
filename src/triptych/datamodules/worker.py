"""What a process that loads data does first."""

import os
import signal
import threading

import cv2


def start_worker(_: int) -> None:
    """Keeps OpenCV from starting threads, which would compete with the training, and leaves signals to the fit.

    Ctrl-C and a scheduler send theirs to all processes. The fit still needs batches then, to finish its step, and ends
    its workers itself.
    """
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # not on macOS and Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_if_the_fit_says_so, daemon=True).start()


def _end_if_the_fit_says_so() -> None:
    """Ends this process on a SIGTERM of its parent; one of another process is ignored."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
