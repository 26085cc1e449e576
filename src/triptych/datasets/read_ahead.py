"""Reading in a thread beside the one who works on what was read."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """The items, in order, each taken in a thread before it is asked for; so is an error.

    Args:
        items: Where they are taken from.
        depth: Most items that wait, at least 1.

    >>> list(read_ahead("abc", depth=2))
    ['a', 'b', 'c']
    """
    source, end = iter(items), object()
    with ThreadPoolExecutor(1, "read_ahead") as thread:
        waiting = deque(thread.submit(next, source, end) for _ in range(depth))
        try:
            while (item := waiting.popleft().result()) is not end:
                yield item  # type: ignore[misc]
                waiting.append(thread.submit(next, source, end))
        finally:
            thread.shutdown(cancel_futures=True)
