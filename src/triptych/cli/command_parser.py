"""The parser of a command that trains nothing."""

import argparse
from typing import NoReturn

from triptych.errors import UsageError


class CommandParser(argparse.ArgumentParser):
    """A parser that raises an error instead of printing its usage and exiting.

    Args:
        usage: How the command is called, on one line.
        description: What it does.
    """

    def __init__(self, usage: str, description: str) -> None:
        super().__init__(usage=usage, description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"expected `{self.usage}`; {message}.")
