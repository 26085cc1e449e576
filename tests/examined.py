"""What the doctor says about a data set, and what it says about a damaged one besides."""

from triptych.datamodules.base import TriptychDataModule
from triptych.doctor import Finding, examine


def faults(data: TriptychDataModule) -> dict[str, Finding]:
    """Errors and warnings by their kind, each of which comes once."""
    found = [finding for finding in examine(data) if finding.level != "note"]
    by_kind = {finding.kind: finding for finding in found}
    assert len(by_kind) == len(found)
    return by_kind


def only(data: TriptychDataModule, *usual: str) -> Finding:
    """The single fault of a data set, besides those of the kinds that are `usual`."""
    (found,) = [finding for kind, finding in faults(data).items() if kind not in usual]
    return found
