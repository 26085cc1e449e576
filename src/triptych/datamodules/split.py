"""Ways to hold samples out: at random, by groups, by the values of a column."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from triptych.datasets.sample import Split
from triptych.datasets.split_value import SPLIT_VALUES, split_of
from triptych.errors import BadSampleError

_MAX_NAMED = 30
"""Number of groups that an error lists."""


class HeldOut(NamedTuple):
    """Names of the samples to validate, in words how they were chosen, and names of those to test."""

    val: list[str]
    how: str
    test: Sequence[str] = ()


class Parts(NamedTuple):
    """Names of the samples of each split, and in words how those of `val` and of `test` were chosen."""

    train: list[str]
    val: list[str]
    test: list[str]
    how: str
    how_test: str


def chosen_way(ways: Mapping[str, Any], lesson: Mapping[str, Any]) -> str:
    """The argument that splits: the one that is given, else the lesson's.

    Args:
        ways: The value of each argument that could; None if it is not given.
        lesson: The lesson's argument, with its default.

    Raises:
        ValueError: Several are given.
    """
    given = [name for name, value in ways.items() if value is not None and value != lesson.get(name)]
    if len(given) > 1:
        raise ValueError(f"{', '.join(given)}: expected one way to split, got {len(given)}; remove the others.")
    return given[0] if given else next(iter(lesson))


def checked_fraction(value: float | None) -> float | None:
    """`valid_fraction`.

    Raises:
        ValueError: It is not between 0 and 1.
    """
    if value is not None and not 0 < value < 1:
        raise ValueError(f"valid_fraction: expected a fraction between 0 and 1, got {value}.")
    return value


def checked_pattern(value: str | None) -> str | None:
    """`group`.

    Raises:
        ValueError: It is no regular expression.
    """
    try:
        re.compile(value or "")
    except re.error as error:
        raise ValueError(f"group: expected a regular expression, got {value!r} ({error}).") from error
    return value


def groups_of(names: Iterable[str], pattern: str) -> dict[str, str]:
    """The group of each name: the first capture of a regular expression that is searched in it, or the whole match.

    Raises:
        ValueError: A name has no match.
    """
    compiled, names = re.compile(pattern), list(names)
    found = {name: match for name in names if (match := compiled.search(name))}
    if len(found) < len(names):
        first = next(name for name in names if name not in found)
        raise ValueError(
            f"group: {pattern!r} does not match {len(names) - len(found)} of {len(names)} names; the first is {first}."
        )
    return {name: (match[1] if compiled.groups else match[0]) or "" for name, match in found.items()}


def draw(names: Sequence[str], fraction: float, seed: int, group_of: Mapping[str, str] | None = None) -> list[str]:
    """A fraction of the names, drawn at random, in their order; at least one is drawn and at least one is left.

    Args:
        names: The names.
        fraction: Between 0 and 1.
        seed: Seed of the draw.
        group_of: The group of each name. Whole groups are drawn, one after another, until the fraction is met.

    Raises:
        ValueError: There are fewer than two names, or groups.
    """
    goal, random = round(fraction * len(names)), np.random.default_rng(seed)
    if group_of is None:
        _check_two("samples", len(names))
        order = random.permutation(len(names))
        drawn = {names[i] for i in order[: min(max(goal, 1), len(names) - 1)]}
        return [name for name in names if name in drawn]
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(group_of[name], []).append(name)
    _check_two("groups", len(members))
    groups, held_out = list(members), set[str]()
    for i in random.permutation(len(groups))[:-1]:
        held_out.update(members[groups[i]])
        if len(held_out) >= goal:
            break
    return [name for name in names if name in held_out]


def named_groups(argument: str, wanted: Sequence[str], groups: Sequence[str], where: object) -> list[str]:
    """The groups that an argument names, each once; by number too, since YAML reads 03 without quotes as 3.

    Args:
        argument: Name of the argument.
        wanted: What it names.
        groups: The groups that there are.
        where: Where they are, for an error.

    Raises:
        ValueError: A group does not exist, or a number is that of several.
    """
    found = {name: [name] if name in groups else _with_number(name, groups) for name in wanted}
    unknown = [repr(name) for name, same in found.items() if not same]
    if unknown:
        raise ValueError(f"{argument}: {where} has no {', '.join(unknown)}; there are {_list(groups)}.")
    for name, same in found.items():
        if len(same) > 1:
            raise ValueError(
                f"{argument}: expected one folder, but {name} matches {', '.join(same)}; write one in quotes."
            )
    return list(dict.fromkeys(same[0] for same in found.values()))


def by_values(values: Mapping[str, str], column: str, table: object) -> HeldOut:
    """Splits by the values of a column.

    Args:
        values: Of each name: true or false, 1 or 0, yes or no (true validates), or train, valid or test.
        column: Heading of the column.
        table: Where it is, for an error.

    Raises:
        BadSampleError: A value is another.
    """
    splits: dict[Split, list[str]] = {"train": [], "val": [], "test": []}
    for name, value in values.items():
        split = split_of(value)
        if split is None:
            raise BadSampleError(f"{table}: expected {SPLIT_VALUES} in column {column!r}, got {value!r} for {name}.")
        splits[split].append(name)
    return HeldOut(splits["val"], f"column {column}", splits["test"])


def check_apart(parts: Parts, data_set: str) -> None:
    """Refuses a sample in two splits.

    Raises:
        ValueError: There is one to validate and to test.
    """
    train, val, test = (set(names) for names in parts[:3])
    if both := val & test:
        raise ValueError(
            f"{data_set}: expected each sample in one split, got {min(both)} in {parts.how} and in {parts.how_test}"
            f"{_and_others(both)}; remove it from one."
        )
    assert not train & (val | test), f"{data_set}: {min(train & (val | test))} is trained on and held out"


def check_whole(parts: Parts, group_of: Mapping[str, str], data_set: str) -> None:
    """Refuses a group with samples in two splits.

    Raises:
        ValueError: There is one.
    """
    groups = {split: {group_of[name] for name in getattr(parts, split)} for split in ("train", "val", "test")}
    for one, other in combinations(groups, 2):
        if both := groups[one] & groups[other]:
            raise ValueError(
                f"{data_set}: expected each group in one split, got {min(both)!r} in {one} and in {other}"
                f"{_and_others(both)}; hold out whole groups with valid_groups or valid_fraction, or leave out group."
            )


def _and_others(found: set[str]) -> str:
    return f", and {len(found) - 1} more" if len(found) > 1 else ""


def _check_two(what: str, count: int) -> None:
    if count < 2:
        raise ValueError(f"valid_fraction: expected at least 2 {what} to hold one out, got {count}.")


def _with_number(name: str, groups: Sequence[str]) -> list[str]:
    return [group for group in groups if name.isdecimal() and group.isdecimal() and int(group) == int(name)]


def _list(groups: Sequence[str]) -> str:
    more = len(groups) - _MAX_NAMED
    return ", ".join(groups[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
