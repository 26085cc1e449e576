"""What was found, as one HTML page with pictures."""

from collections.abc import Iterator, Sequence
from typing import Any

from triptych.doctor.findings import Finding
from triptych.doctor.inventory import Inventory
from triptych.doctor.table import summary
from triptych.doctor.thumbnails import thumbnails
from triptych.draw.page import Html, Section, folded, gallery, listing, page, pairs, text

_PICTURES = 12


def finding_page(findings: Sequence[Finding], data: Inventory[Any]) -> str:
    """An HTML document that needs no other file: a section for each finding, with pictures of its first files.

    Args:
        findings: What was found, in the order of the sections.
        data: The data set.
    """
    about: dict[str, object] = {"folder": data.root, f"{data.word}s": len(data.images)}
    about |= {split: len(names) for split, names in data.splits.items()} | {"found": summary(findings)}
    sections = [Section(f"{finding.level}: {finding.kind}", list(_parts(finding, data))) for finding in findings]
    return page("triptych doctor", data.root.absolute().name, pairs(about), sections)


def _parts(finding: Finding, data: Inventory[Any]) -> Iterator[Html]:
    yield text(finding.message)
    if finding.advice:
        yield text(f"What to do: {finding.advice}")
    if finding.kind == "ids-outside":
        yield text("Ids without a class are magenta.")
    lines = listing("\n".join(f"{path}: {why}" for path, why in finding.files.items()))
    small = [*thumbnails(finding, data, _PICTURES)]
    seen = [one for one in small if one.pictures]
    if seen:
        yield gallery(small)
    if len(finding.files) > max(1, len(seen)):  # the message names a single one
        yield folded(f"All {len(finding.files)} files", lines)
