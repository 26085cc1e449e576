"""Which of Lightning's messages are silenced, and which are not."""

import logging
import warnings

import pytest

from triptych import quiet

ZERO = logging.getLogger("lightning.pytorch.utilities.rank_zero")
pytestmark = pytest.mark.usefixtures("messages_as_before")


def test_no_line_about_devices_is_left_but_warnings_are() -> None:
    quiet()
    assert not ZERO.isEnabledFor(logging.INFO) and ZERO.isEnabledFor(logging.WARNING)


def test_advice_about_workers_is_left_out_and_other_warnings_are_not() -> None:
    quiet()
    warnings.warn("The 'val_dataloader' does not have many workers which may be a bottleneck.", stacklevel=1)
    with pytest.raises(UserWarning, match="the labels are empty"):
        warnings.warn("the labels are empty", stacklevel=1)
