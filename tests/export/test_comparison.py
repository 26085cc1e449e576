"""A smaller file is called slower or worse where it is."""

import re
import time

import pytest

from triptych.export.comparison import Measured, comparison_line, in_turn

EXACT = Measured("float32", 21.2, 0.25, {"error_px": 5.0})


@pytest.mark.parametrize(
    ("seconds", "error", "words"),
    [
        (0.39, 5.2, r"int8 is slower here, 1\.56 times the time, and scores worse\."),
        (0.12, 4.9, r"int8 is faster here, 0\.48 times the time, and scores no worse\."),
        (0.25, 5.00001, r"int8 is as fast, 1\.00 times the time, and scores no worse\."),
    ],
)
def test_slower_and_worse_are_said(seconds: float, error: float, words: str) -> None:
    line = comparison_line(EXACT, Measured("int8", 6.1, seconds, {"error_px": error}), lower_is_better=True)
    start = f"int8 6.1 MB, {1000 * seconds:.0f} ms an image, error_px {error:.4f}; float32 21.2 MB, 250 ms an image, "
    assert line.startswith(f"{start}error_px 5.0000: ")
    assert re.search(words, line)


def test_more_of_a_score_is_better_unless_it_is_an_error() -> None:
    line = comparison_line(EXACT, EXACT._replace(precision="float16", scores={"error_px": 4.0}), lower_is_better=False)
    assert line.endswith("scores worse.")
    bare = comparison_line(EXACT._replace(scores={}), EXACT._replace(scores={}), lower_is_better=False)
    assert bare.endswith("was not scored, as there are no data.")


def test_calls_are_timed_in_turn() -> None:
    order: list[str] = []
    times = in_turn({"a": lambda: order.append("a"), "b": lambda: (order.append("b"), time.sleep(0.002))})
    assert order[:4] == ["a", "b", "a", "b"]
    assert times["b"] > times["a"]
