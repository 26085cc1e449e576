"""The parser of configurations, which raises errors."""

from pathlib import Path
from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from triptych.errors import UsageError


class Parser(LightningArgumentParser):
    """A parser that raises an error instead of printing its usage and exiting."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise UsageError(message) from ex

    def parse_path(self, cfg_path: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse_path(cfg_path, *args, **kwargs)
        except UsageError as error:
            error.file = Path(cfg_path)
            raise
