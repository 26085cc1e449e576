"""How often classes or tags occur, and which are missing from a split."""

from collections.abc import Iterator, Mapping, Sequence

from triptych.datasets.mask_values import percent
from triptych.datasets.sample import Split
from triptych.doctor.findings import Finding, shortened


def frequencies(
    what: str, names: Sequence[str], counts: Mapping[str, int], total: int, per: str, by_split: Mapping[Split, set[str]]
) -> Iterator[Finding]:
    """Findings about the classes or tags of a data set.

    Args:
        what: What they are, in the plural.
        names: All of them.
        counts: How often each occurs.
        total: What a fraction is taken of.
        per: What that is, such as "labelled pixels".
        by_split: Those that occur in each split.
    """
    if total:
        often = sorted((name for name in names if counts.get(name)), key=lambda name: -counts[name])
        listed = ", ".join(f"{name} {percent(counts[name] / total)}" for name in often)
        message = f"{len(often)} of {len(names)} {what} occur; of all {per}: {listed}."
        yield Finding("note", f"{what}-frequency", message)
    never = [name for name in names if not counts.get(name)]
    if never:
        yield Finding("note", f"{what}-never", f"{what} that never occur: {shortened(never)}.")
    yield from _in_one_split(what, names, by_split)


def _in_one_split(what: str, names: Sequence[str], by_split: Mapping[Split, set[str]]) -> Iterator[Finding]:
    if not by_split.get("train") or not by_split.get("val"):
        return
    learned, scored = by_split["train"], by_split["val"]
    unlearned = [name for name in names if name in scored - learned]
    if unlearned:
        message = f"{what} that occur in the validation samples alone: {shortened(unlearned)}."
        yield Finding("warning", f"{what}-untrained", message, "they cannot be learned; change the split.")
    unscored = [name for name in names if name in learned - scored]
    if unscored:
        message = f"{what} that occur in no validation sample: {shortened(unscored)}."
        yield Finding("note", f"{what}-unscored", message, "no score tells about them.")


def names_by_split(names_of: Mapping[str, set[str]], splits: Mapping[Split, Sequence[str]]) -> dict[Split, set[str]]:
    """The classes or tags that occur in each split.

    Args:
        names_of: Those of each sample, by its name.
        splits: Names of the samples of each split.
    """
    return {split: set().union(*(names_of.get(name, set()) for name in names)) for split, names in splits.items()}
