"""What was found, as a table for the terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from triptych.doctor.findings import Finding, Level

_STYLES: dict[Level, str] = {"error": "bold red", "warning": "bold yellow", "note": "dim"}
_FIRST_FILES = 3


def finding_table(findings: Sequence[Finding], title: str) -> Table:
    """A row for each finding: its level and kind; what, the first files, and what to do.

    Args:
        findings: The findings, in the order of the rows.
        title: Title of the table.
    """
    table = Table(title=title, title_justify="left", show_lines=True, expand=False)
    table.add_column("level")
    table.add_column("files", justify="right")
    table.add_column("what was found, and what to do", overflow="fold")
    for finding in findings:
        count = str(len(finding.files)) if finding.files else ""
        table.add_row(Text(finding.level, _STYLES[finding.level]), count, _words(finding))
    return table


def summary(findings: Iterable[Finding]) -> str:
    """How many findings of each level there are: `2 errors, 1 warning, 0 notes`."""
    counts = Counter(finding.level for finding in findings)
    return ", ".join(f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}" for level in _STYLES)


def _words(finding: Finding) -> RenderableType:
    lines = [f"{path}: {why}" for path, why in islice(finding.files.items(), _FIRST_FILES)]
    shown = [Text(line, "dim") for line in lines if line not in finding.message]
    more = len(finding.files) - _FIRST_FILES
    if more > 0:
        shown.append(Text(f"and {more} more", "dim"))
    advice = [Text(f"-> {finding.advice}")] if finding.advice else []
    return Group(Text.assemble((finding.kind, "bold"), ": ", finding.message), *shown, *advice)
