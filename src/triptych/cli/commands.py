"""The commands of `triptych` that train nothing: made-up data, shipped configurations, a check of data, reports."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from triptych import synthetic
from triptych.cli.configs import copy_configs
from triptych.cli.doctor import doctor
from triptych.cli.page import page
from triptych.errors import UsageError
from triptych.files import is_remote
from triptych.report import saved_data, write_report

MADE_UP: dict[str, Callable[[str], Path]] = {
    "camvid": synthetic.make_streets,
    "biwi": synthetic.make_portraits,
    "planet": synthetic.make_tiles,
}
"""What `make-data` writes, by the name of the data set whose layout it follows."""


def make_data(args: Sequence[str]) -> None:
    """`triptych make-data NAME DIR`: writes made-up data in the layout of the real one."""
    usage = f"triptych make-data {{{','.join(MADE_UP)}}} DIR"
    if args in (["--help"], ["-h"]):
        print(f"usage: {usage}")
        return
    if len(args) != 2 or args[0] not in MADE_UP:
        raise UsageError(f"expected `{usage}`, got {' '.join(args) or 'nothing'}.")
    print(f"made-up data: {MADE_UP[args[0]](_local(args[1]))}")


def configs(args: Sequence[str]) -> None:
    """`triptych configs DIR`: copies the shipped configurations."""
    usage = "triptych configs DIR"
    if args in (["--help"], ["-h"]):
        print(f"usage: {usage}")
        return
    if len(args) != 1 or args[0].startswith("-"):
        raise UsageError(f"expected `{usage}`, got {' '.join(args) or 'nothing'}.")
    copy_configs(_local(args[0]))
    print(f"configs: {args[0]}")


def _local(folder: str) -> str:
    if is_remote(folder):
        raise UsageError(f"expected a folder of this machine, got {folder}; copy the new one to the bucket.")
    return folder


def report(args: Sequence[str]) -> None:
    """`triptych report RUN`: writes a run's report."""
    parser = _Parser(prog="triptych report", description="Writes a report about a run: one self-contained HTML page.")
    parser.add_argument("run", metavar="RUN", help="folder of the run, such as runs/camvid/version_0")
    parser.add_argument("--output", metavar="FILE", help="file to write (default: RUN/report.html)")
    parser.add_argument("--root", metavar="DIR", help="folder of the data, if it is not the one in the configuration")
    options = parser.parse_args(args)
    data = None if options.root is None else saved_data(options.run, options.root)
    print(f"report: {write_report(options.run, options.output, data)}")


class _Parser(argparse.ArgumentParser):
    """A parser that raises an error instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"expected `triptych report RUN [--output FILE] [--root DIR]`; {message}.")


COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    "make-data": make_data,
    "configs": configs,
    "doctor": doctor,
    "page": page,
    "report": report,
}
"""Functions of the commands; each takes the arguments after the command's name."""
