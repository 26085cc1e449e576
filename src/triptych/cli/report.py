"""`triptych report`: writes a run's report."""

from collections.abc import Sequence

from triptych.cli.command_parser import CommandParser
from triptych.datamodules.saved_data import saved_data
from triptych.report import write_report
from triptych.trainer.messages import no_advice


def report(args: Sequence[str]) -> None:
    """`triptych report RUN`: writes a run's report."""
    parser = CommandParser(
        "triptych report RUN [--output FILE] [--root DIR]",
        "Writes a report about a run: one self-contained HTML page.",
    )
    parser.add_argument("run", metavar="RUN", help="folder of the run, such as runs/camvid/version_0")
    parser.add_argument("--output", metavar="FILE", help="file to write (default: RUN/report.html)")
    parser.add_argument("--root", metavar="DIR", help="folder of the data, if it is not the one in the configuration")
    options = parser.parse_args(args)
    no_advice()
    data = None if options.root is None else saved_data(options.run, options.root)
    print(f"report: {write_report(options.run, options.output, data)}")
