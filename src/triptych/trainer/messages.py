"""Silencing messages of Lightning that a user does not need."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

LIGHTNING_LOGGERS = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
"""The loggers whose messages are silenced."""
_ADVICE = ("litlogger", "`weights_only` was not set", "Loading `train_dataloader`", "stopped: `max_epochs=")
"""Parts of log lines about Lightning's internals; the last would break the progress bar."""
_WARNINGS = (
    ".*LightningCLI's args parameter.*",
    ".*The dirpath has changed.*",
    ".*is smaller than the logging interval.*",
    ".*is not supported by the model summary.*",
    ".*isinstance\\(treespec, LeafSpec\\).*",
    ".*does not have many workers.*",
    "Checkpoint directory .* exists and is not empty.*",
    "RNN module weights are not part of single contiguous chunk.*",  # on a GPU; dropped weights cannot be
    ".*recommended to use .*sync_dist=True.*",  # the scores are already synced
)


def quiet() -> None:
    """Silences messages that the user cannot act on, for the rest of the process.

    A notebook then shows scores, tables and figures; warnings about data and training are still shown.
    """
    no_advice()
    _warnings_only()


def no_advice() -> None:
    """Silences advice of libraries about their internals, for the rest of the process.

    Messages about devices and precision are kept.
    """
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_is_no_advice)
    for message in _WARNINGS:
        warnings.filterwarnings("ignore", message=message)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return not any(words in record.getMessage() for words in _ADVICE)


@contextlib.contextmanager
def no_info() -> Iterator[None]:
    """Silences Lightning's messages below a warning, within the context."""
    levels = [(logger, logger.level) for logger in map(logging.getLogger, LIGHTNING_LOGGERS)]
    _warnings_only()
    try:
        yield
    finally:
        for logger, level in levels:
            logger.setLevel(level)


def is_info_shown() -> bool:
    """Whether Lightning's messages below a warning are shown now."""
    return logging.getLogger(LIGHTNING_LOGGERS[-1]).isEnabledFor(logging.INFO)


def _warnings_only() -> None:
    for logger in map(logging.getLogger, LIGHTNING_LOGGERS):
        logger.setLevel(max(logging.WARNING, logger.getEffectiveLevel()))
