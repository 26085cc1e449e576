"""The command line."""

from triptych.cli.entry import main

__all__ = ["main"]
