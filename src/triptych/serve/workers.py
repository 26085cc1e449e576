"""A few threads that compute answers, and a bounded number of requests that wait for them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import anyio
from starlette.exceptions import HTTPException

from triptych.serve.limits import Limits

_Upload = TypeVar("_Upload")
_Answer = TypeVar("_Answer")
_RETRY_SECONDS = 1


class Workers:
    """Threads for work that releases the interpreter's lock, such as a network's, beside the loop that listens.

    Args:
        limits: Their number, how many requests wait, and the time of each.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="triptych")
        self._places = threading.BoundedSemaphore(limits.threads + limits.waiting)

    async def answer(self, read: Callable[[], Awaitable[_Upload]], work: Callable[[_Upload], _Answer]) -> _Answer:
        """Waits for an upload, then for the work on it in a thread.

        A thread cannot be stopped: work that takes too long keeps its place until it ends.

        Args:
            read: Reads the upload; called only if there is a place.
            work: Called with the upload.

        Raises:
            HTTPException: 503 if too many requests wait, 504 if it takes too long.
        """
        if not self._places.acquire(blocking=False):
            raise HTTPException(
                503, "the server is busy; send the request again.", headers={"Retry-After": str(_RETRY_SECONDS)}
            )
        job: Future[_Answer] | None = None
        try:
            with anyio.fail_after(self.limits.seconds):
                job = self._threads.submit(work, await read())
                return await asyncio.wrap_future(job)
        except TimeoutError:
            raise HTTPException(
                504, f"expected an answer within {self.limits.seconds:g} s, got none; send something smaller."
            ) from None
        finally:
            if job is None:
                self._places.release()
            else:
                job.add_done_callback(self._free)

    def close(self) -> None:
        """Lets the work that has begun end, and begins none."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _free(self, _: "Future[Any]") -> None:
        self._places.release()
