"""What is in each split of the data, in words."""

from collections.abc import Mapping

from triptych.datamodules.split import Parts

_NUM_FIRST = 3


def part_line(parts: Parts, counts: Mapping[str, int], data_set: str, nouns: str, added: str = "") -> str:
    """The splits in one line, such as `camvid: 367 frames train, 101 validate (valid.txt), none in both`.

    Args:
        parts: The splits.
        counts: Number of records in `train` and `val`, from which unusable samples are dropped.
        data_set: Name of the data set.
        nouns: What samples are called.
        added: What is trained on besides, such as ` + 12 corrections`.
    """
    tested = f", {len(parts.test)} test ({parts.how_test})" if parts.test else ""
    return (
        f"{data_set}: {counts['train']} {nouns} train{added}, {counts['val']} validate ({parts.how}){tested}, none in "
        f"{'two of these' if tested else 'both'}"
    )


def shared_groups(parts: Parts, group_of: Mapping[str, str]) -> int:
    """Number of groups with samples to train on and samples that are held out."""
    held_out = {group_of[name] for name in (*parts.val, *parts.test)}
    return len(held_out & {group_of[name] for name in parts.train})


def part_table(parts: Parts, title: str, nouns: str, groups: str, group_of: Mapping[str, str] | None) -> str:
    """The splits as a table: number of samples, number of groups, how they were chosen, and the first names.

    Args:
        parts: The splits.
        title: The first line.
        nouns: What samples are called.
        groups: What groups are called.
        group_of: The group of each name; None if there are no groups.
    """
    rows = [["split", nouns, groups, "chosen by", "first"]]
    for split, names, how in (
        ("train", parts.train, "the others"),
        ("valid", parts.val, parts.how),
        ("test", parts.test or parts.val, parts.how_test if parts.test else "as valid"),
    ):
        number = "-" if group_of is None else str(len({group_of[name] for name in names}))
        first = ", ".join(names[:_NUM_FIRST]) + (", ..." if len(names) > _NUM_FIRST else "")
        rows.append([split, str(len(names)), number, how, first])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, *lines])
