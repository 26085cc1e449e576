"""What is left out of what Lightning says, and what is not."""

import logging
import warnings
from collections.abc import Iterator

import pytest

from triptych import quiet
from triptych.trainer.messages import _TALKERS

ZERO = logging.getLogger("lightning.pytorch.utilities.rank_zero")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    talkers = [logging.getLogger(name) for name in _TALKERS]
    before = [(talker, talker.level, talker.filters[:]) for talker in talkers]
    with warnings.catch_warnings():
        yield
    for talker, level, filters in before:
        talker.setLevel(level)
        talker.filters[:] = filters


def test_no_line_about_devices_is_left_but_warnings_are() -> None:
    quiet()
    assert not ZERO.isEnabledFor(logging.INFO) and ZERO.isEnabledFor(logging.WARNING)


def test_advice_about_workers_is_left_out_and_other_warnings_are_not() -> None:
    quiet()
    warnings.warn("The 'val_dataloader' does not have many workers which may be a bottleneck.", stacklevel=1)
    with pytest.raises(UserWarning, match="the labels are empty"):
        warnings.warn("the labels are empty", stacklevel=1)
