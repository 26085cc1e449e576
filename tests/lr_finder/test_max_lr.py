"""`"find"` in place of a rate."""

from typing import Any

import pytest

from triptych.lr_finder import asks_to_find, with_found


@pytest.mark.parametrize(
    ("max_lr", "found"),
    [
        (1e-3, 1e-3),
        ("find", 0.2),
        ("find/10", 0.02),
        ("find/2.5", 0.08),
        (["find/10", "find"], [0.02, 0.2]),
        ([1e-5, "find"], [1e-5, 0.2]),
        ([1e-5, 1e-3], [1e-5, 1e-3]),
        (["find/100", 1e-4, "find"], [0.002, 1e-4, 0.2]),
    ],
)
def test_words_in_max_lr_become_numbers(max_lr: Any, found: Any) -> None:
    assert with_found(max_lr, 0.2) == pytest.approx(found)
    assert asks_to_find(max_lr) == (max_lr != found)


@pytest.mark.parametrize(
    ("max_lr", "found"),
    [
        ("slice(find)", "slice(0.2)"),
        ("slice(find/10, find)", "slice(0.02, 0.2)"),
        ("slice(1e-5,find)", "slice(1e-05, 0.2)"),
        (slice("find/10", "find"), "slice(0.02, 0.2)"),
    ],
)
def test_words_in_a_slice_become_numbers(max_lr: Any, found: str) -> None:
    assert asks_to_find(max_lr) and not asks_to_find(found)
    assert with_found(max_lr, 0.2) == found


def test_a_slice_of_numbers_asks_for_nothing() -> None:
    assert not any(map(asks_to_find, ["slice(1e-3)", "slice(1e-5, 1e-3)", slice(1e-3)]))


@pytest.mark.parametrize("word", ["slice(fnd)", "slice(find", "slice(find/0)", "slice(find, 1, 2)"])
def test_other_words_in_a_slice_are_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r'^max_lr: expected a number, "find", "find/N" .* got ') as caught:
        with_found(word, 1e-3)
    assert str(caught.value).endswith(f"or a list or slice of them, got {word!r}.")


@pytest.mark.parametrize("word", ["fnd", "find/", "find/0", "find/-1", "find/x", "find/inf", "find/nan", "2find", ""])
def test_other_words_are_refused_in_one_line(word: str) -> None:
    with pytest.raises(ValueError, match=r'^max_lr: expected a number, "find", "find/N" .* got \[.*, 0\.1\]\.$'):
        with_found([word, 0.1], 1e-3)
