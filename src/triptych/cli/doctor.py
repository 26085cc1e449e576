"""`triptych doctor`: looks for faults in a data set before it is trained on."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from triptych.cli.configs import with_shipped_configs
from triptych.cli.data_arguments import DATA_SETS, chosen_data, data_options
from triptych.cli.messages import plain
from triptych.datamodules.base import TriptychDataModule
from triptych.doctor.examine import findings_of, read_inventory
from triptych.doctor.findings import Finding, is_wrong
from triptych.doctor.fix import corrections, write_new
from triptych.doctor.inventory import DataSet
from triptych.doctor.page import finding_page
from triptych.doctor.table import finding_table, summary
from triptych.errors import UsageError
from triptych.files import atomic_save

_WRONG, _BAD_USAGE = 1, 2


def doctor(args: Sequence[str]) -> None:
    """`triptych doctor NAME DIR`: exit code 1 if something is wrong, 2 if the command cannot be understood."""
    try:
        datamodule, options = _parsed(args)
    except (UsageError, ValueError) as error:
        print(f"triptych: {plain(error)}", file=sys.stderr)
        sys.exit(_BAD_USAGE)
    data = read_inventory(datamodule)
    findings = findings_of(data)
    aside = sys.stderr if options.json else sys.stdout
    if options.json:
        print(json.dumps(_plain(findings, data), indent=1))
    else:
        title = f"{data.root}: {len(data.names)} {data.word}s"
        Console().print(finding_table(findings, title) if findings else title)
        print(summary(findings))
    if options.html:
        page, html = Path(options.html), finding_page(findings, data)
        page.parent.mkdir(parents=True, exist_ok=True)
        atomic_save(page, lambda part: part.write_text(html, encoding="utf-8"))
        print(f"page: {page}", file=aside)
    if options.fix:
        for one in corrections(findings, data):
            print(f"{one.path}: {one.usage if write_new(one) else 'exists already, and is kept'}", file=aside)
    if is_wrong(findings):
        sys.exit(_WRONG)


def _parsed(args: Sequence[str]) -> tuple[TriptychDataModule, argparse.Namespace]:
    changes, others = data_options(with_shipped_configs(args))
    options = _parser().parse_args(others)
    return chosen_data(options.name, options.folder, options.config, changes), options


def _plain(findings: Sequence[Finding], data: DataSet) -> dict[str, Any]:
    return {
        "root": str(data.root),
        "samples": len(data.names),
        "splits": {split: len(names) for split, names in data.splits.items()},
        "findings": [finding.plain() for finding in findings],
    }


def _parser() -> "_Parser":
    parser = _Parser(
        prog="triptych doctor",
        usage="triptych doctor NAME DIR [options], or triptych doctor --config FILE [options]",
        description="Looks for faults in a whole data set before it is trained on; exit code 1 if there is one.",
        epilog="--data.NAME VALUE sets an argument of the data, such as --data.valid_list valid_drive.txt.",
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", choices=[*DATA_SETS], metavar="NAME", help=", ".join(DATA_SETS))
    parser.add_argument("folder", nargs="?", metavar="DIR", help="folder of the data")
    parser.add_argument("--config", metavar="FILE", action="append", help="take the data of a configuration")
    parser.add_argument("--html", metavar="FILE", help="write a page that shows what is wrong")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--fix", action="store_true", help="write corrected lists and a label_map, beside the data")
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser that raises an error instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"expected `triptych doctor NAME DIR` or `triptych doctor --config FILE`; {message}.")
