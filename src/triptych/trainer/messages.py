"""What Lightning says while it works, and how much of it a reader needs."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

_TALKERS = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
_ADVICE = ("litlogger", "`weights_only` was not set", "Loading `train_dataloader`", "stopped: `max_epochs=")
"""Words of lines about Lightning's own insides; the last would tear the progress bar."""
_WARNINGS = (
    ".*LightningCLI's args parameter.*",
    ".*The dirpath has changed.*",
    ".*is smaller than the logging interval.*",
    ".*is not supported by the model summary.*",
    ".*isinstance\\(treespec, LeafSpec\\).*",
    ".*does not have many workers.*",
    "Checkpoint directory .* exists and is not empty.*",
    ".*recommended to use .*sync_dist=True.*",  # the scores are synced
)


def quiet() -> None:
    """Lets Lightning speak of nothing that its user can do nothing about, as long as this process lives.

    The pages of a notebook then hold scores, tables and figures; warnings about data and training still come.
    """
    no_advice()
    _warnings_only()


def no_advice() -> None:
    """Leaves out the advice of libraries about their own insides, and keeps what they say of devices and precision."""
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_is_no_advice)
    for message in _WARNINGS:
        warnings.filterwarnings("ignore", message=message)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return not any(words in record.getMessage() for words in _ADVICE)


@contextlib.contextmanager
def no_info() -> Iterator[None]:
    """Lets Lightning speak of nothing less than a warning."""
    levels = [(talker, talker.level) for talker in map(logging.getLogger, _TALKERS)]
    _warnings_only()
    try:
        yield
    finally:
        for talker, level in levels:
            talker.setLevel(level)


def _warnings_only() -> None:
    for talker in map(logging.getLogger, _TALKERS):
        talker.setLevel(max(logging.WARNING, talker.getEffectiveLevel()))
