"""What was found, as one HTML page with pictures."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from triptych.doctor.findings import Finding
from triptych.doctor.inventory import DataSet, Inventory, Texts
from triptych.doctor.table import summary
from triptych.doctor.thumbnails import thumbnails
from triptych.draw.page import Html, Section, folded, gallery, listing, page, pairs, table, text

_SHOWN, _CHARACTERS = 12, 400
"""Files of a finding that are shown, and how much of a text."""


def finding_page(findings: Sequence[Finding], data: DataSet) -> str:
    """An HTML document that needs no other file: a section for each finding, with its first files.

    Of these, pictures are shown, or the beginnings of texts.

    Args:
        findings: What was found, in the order of the sections.
        data: The data set.
    """
    about: dict[str, object] = {"folder": data.root, f"{data.word}s": len(data.names)}
    about |= {split: len(names) for split, names in data.splits.items()} | {"found": summary(findings)}
    sections = [Section(f"{finding.level}: {finding.kind}", list(_parts(finding, data))) for finding in findings]
    return page("triptych doctor", data.root.absolute().name, pairs(about), sections)


def _parts(finding: Finding, data: DataSet) -> Iterator[Html]:
    yield text(finding.message)
    if finding.advice:
        yield text(f"What to do: {finding.advice}")
    if finding.kind == "ids-outside":
        yield text("Ids without a class are magenta.")
    lines = listing("\n".join(f"{path}: {why}" for path, why in finding.files.items()))
    seen = 0
    if isinstance(data, Inventory):
        small = [*thumbnails(finding, data, _SHOWN)]
        if seen := sum(bool(one.pictures) for one in small):
            yield gallery(small)
    elif isinstance(data, Texts) and finding.files:
        shown = _beginnings(finding, data)
        seen = shown.row_count
        yield table(shown)
    if len(finding.files) > max(1, seen):  # the message names a single one
        yield folded(f"All {len(finding.files)} {'texts' if isinstance(data, Texts) else 'files'}", lines)


def _beginnings(finding: Finding, data: Texts) -> Table:
    """The first texts of a finding."""
    shown = Table("text", "what is the matter", "how it begins")
    for name, why in list(finding.files.items())[:_SHOWN]:
        whole = data.texts.get(name, "")
        shown.add_row(name, why, whole if len(whole) <= _CHARACTERS else f"{whole[:_CHARACTERS]}…")
    return shown
