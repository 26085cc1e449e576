"""The command line."""

from triptych.cli.app import main

__all__ = ["main"]
