"""`triptych report`: writes a run's report."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from triptych.errors import UsageError
from triptych.report import saved_data, write_report
from triptych.trainer.messages import no_advice


def report(args: Sequence[str]) -> None:
    """`triptych report RUN`: writes a run's report."""
    parser = _Parser(prog="triptych report", description="Writes a report about a run: one self-contained HTML page.")
    parser.add_argument("run", metavar="RUN", help="folder of the run, such as runs/camvid/version_0")
    parser.add_argument("--output", metavar="FILE", help="file to write (default: RUN/report.html)")
    parser.add_argument("--root", metavar="DIR", help="folder of the data, if it is not the one in the configuration")
    options = parser.parse_args(args)
    no_advice()
    data = None if options.root is None else saved_data(options.run, options.root)
    print(f"report: {write_report(options.run, options.output, data)}")


class _Parser(argparse.ArgumentParser):
    """A parser that raises an error instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"expected `triptych report RUN [--output FILE] [--root DIR]`; {message}.")
