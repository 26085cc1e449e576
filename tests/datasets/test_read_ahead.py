"""Items come in order, a few ahead and no more, and an error comes after the items before it."""

import threading
from collections.abc import Iterator

import pytest

from triptych.datasets.read_ahead import read_ahead


def test_no_more_than_the_depth_wait() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    for number in read_ahead(items(), depth=3):
        assert len(taken) <= number + 1 + 3
    assert taken == [*range(50)]


def test_an_error_comes_after_what_came_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise ValueError("broken")

    seen = []
    with pytest.raises(ValueError, match="broken"):
        for number in read_ahead(items(), depth=3):
            seen.append(number)
    assert seen == [*range(5)]


def test_the_thread_ends_with_the_one_who_reads() -> None:
    before = threading.active_count()
    ahead = read_ahead(range(1000), depth=2)
    assert next(ahead) == 0
    assert threading.active_count() == before + 1
    del ahead
    assert threading.active_count() == before
