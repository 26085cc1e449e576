"""The command `triptych`: finds what a command needs, and ends a user's mistake in one line."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence

from triptych.errors import UsageError, needs_training_packages, one_line

TRAINING = ("fit", "validate", "test", "predict", "lr-find", "recipe")
"""LightningCLI's subcommands and ours."""
COMMANDS = ("make-data", "configs", "doctor", "report", "export", "score", "push", "serve", "page", "clean-cache")
"""The other commands: each a function in a module of `triptych.cli`, which takes the arguments after its name."""

_INTERRUPTED = 130
"""Exit code after Ctrl-C, by the shells' convention 128 + SIGINT."""


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command line; a user's mistake ends in one line on standard error and exit code 1.

    With the environment variable `TRIPTYCH_TRACEBACK` it ends in the traceback instead.
    """
    args = list(sys.argv[1:] if args is None else args)
    try:
        _run(args)
    except KeyboardInterrupt:
        print("triptych: interrupted by SIGINT.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except Exception as error:
        message = _message(error)
        if message is None or os.environ.get("TRIPTYCH_TRACEBACK"):
            raise
        sys.exit(f"triptych: {message}")


def _run(args: Sequence[str]) -> None:
    first = args[0] if args else "nothing"
    if first in COMMANDS:
        name = first.replace("-", "_")
        _imported(name, name)(args[1:])
    elif first in TRAINING or first.startswith("-"):
        _imported("app", "run")(args)
    else:
        names = ", ".join([*TRAINING, *COMMANDS])
        raise UsageError(f"expected one of {names}, got {first}; see `triptych --help`.")


def _imported(module: str, name: str) -> Callable[[Sequence[str]], None]:
    """A function of a module of `triptych.cli`."""
    with needs_training_packages("this command"):
        function: Callable[[Sequence[str]], None] = getattr(importlib.import_module(f"triptych.cli.{module}"), name)
    return function


def _message(error: Exception) -> str | None:
    """A user's mistake in one line; None for any other error."""
    if "lightning" in sys.modules:
        from triptych.cli.messages import user_message

        return user_message(error)
    return one_line(error) if isinstance(error, (UsageError, ValueError, OSError, ImportError)) else None
