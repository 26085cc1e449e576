"""A data module whose samples have names, by which they are split."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from lightning.pytorch.utilities import rank_zero_info

from triptych.datamodules.corrected import CorrectedDataModule
from triptych.datamodules.description import part_line, part_table, shared_groups
from triptych.datamodules.split import (
    HeldOut,
    Parts,
    check_apart,
    check_whole,
    checked_fraction,
    checked_pattern,
    chosen_way,
    draw,
    groups_of,
    named_groups,
)
from triptych.datasets.corrections import added, parts_of
from triptych.datasets.names import SampleNames, names_below
from triptych.datasets.sample import Records, Split
from triptych.datasets.sequences import sequences
from triptych.errors import MissingDataError
from triptych.metrics.units import Groups
from triptych.runs.plain_values import plain
from triptych.trainer.messages import is_info_shown


class SplitDataModule(CorrectedDataModule):
    """Data module that splits its samples in one of several ways; no sample is in two splits.

    The name of a sample is the POSIX path of its file below the folder of the images. A subclass reads the samples in
    `find`, and then has `names` and `take`. It may split in a further way: an argument in `ways`, and `by_ARGUMENT`.

    Args:
        root: Folder of the data set.
        image_size: See `ImageDataModule`.
        batch_size: See `TriptychDataModule`.
        valid_list: File below `root` that names the validation samples, one per line: their names, with or without
            suffix, or their paths.
        test_list: File below `root` that names the test samples in the same way; None tests the validation samples.
        valid_fraction: Fraction of the samples drawn at random by `seed` for validation, in (0, 1); with `group`, whole
            groups are drawn until it is met.
        valid_groups: A group whose samples validate, or several; needs `group`.
        group: Regular expression that is searched in a sample's name. Its first capture, or else the whole match, names
            the group, such as the drive, person or scene. No group may be in two splits.
        loading: Further arguments of `CorrectedDataModule` and `ImageDataModule`.

    Raises:
        ValueError: An argument is out of its range, or the samples are split in two ways.
    """

    data_set: ClassVar[str]
    """Name of the data set, in messages."""
    lesson: ClassVar[dict[str, Any]]
    """The lesson's split: the argument that makes it first, each with its default."""
    default_group: ClassVar[str | None] = None
    """Takes the place of `group` if whole groups are to be held out, and none is given."""
    group_noun: ClassVar[str] = "group"
    """What such a group is called, in messages."""
    _names: SampleNames

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int],
        batch_size: int | Literal["auto"],
        *,
        valid_list: str | None = None,
        test_list: str | None = None,
        valid_fraction: float | None = None,
        valid_groups: str | int | list[str | int] | None = None,
        group: str | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, **loading)
        self.valid_list, self.test_list = valid_list, test_list
        self.valid_fraction = checked_fraction(valid_fraction)
        self.valid_groups = None if valid_groups is None else as_names(valid_groups)
        self.group = checked_pattern(group)
        self._parts: Parts | None = None
        self._told: Parts | None = None

    @property
    def names(self) -> SampleNames:
        return self._names

    @property
    def ways(self) -> dict[str, Any]:
        """The arguments that split; None for one that is not given."""
        return {name: getattr(self, name) for name in ("valid_list", "valid_fraction", "valid_groups")}

    @property
    def way(self) -> str:
        """The argument that splits: the one that is given, else the lesson's.

        Raises:
            ValueError: Several are given, or groups without `group`.
        """
        way = chosen_way(self.ways, self.lesson)
        if way == "valid_groups" and self._pattern is None:
            raise ValueError(
                "valid_groups: expected group beside it, a regular expression whose first capture names the group of a "
                f"{self.noun}, such as '^([^_/]+)'."
            )
        return way

    @property
    def sources(self) -> list[Path]:
        lists = [self.root / name for name in (self.valid_list, self.test_list) if name is not None]
        return [*super().sources, *lists]

    @property
    def parts(self) -> Parts:
        """The names of the samples of each split; available after `setup` of any stage."""
        if self._parts is None:
            raise RuntimeError(f"{type(self).__name__}: call setup() first; the data have not been split yet.")
        return self._parts

    def split(self, name: Split) -> Records:
        """The records of `"train"`, `"val"` or `"test"`; the last are those of `"val"` if nothing else is named."""
        names = (self.parts.test or self.parts.val) if name == "test" else getattr(self.parts, name)
        if not names:
            raise ValueError(self._empty_message(name))
        if name == "train" and self.corrections is not None:
            return self.corrected(names, [*self.parts.val, *self.parts.test], self.corrections)
        return self.take(names)

    def chosen_by(self, name: Split) -> str:
        return self.parts.how_test if name == "test" and self.parts.test else self.parts.how

    def groups_of(self, paths: Sequence[str]) -> Groups | None:
        """By `group`; else the videos, if the names of all samples are those of the frames of several."""
        names = names_below(Path(self.names.folder), map(Path, paths))
        group_of, noun = self._group_of(), self.group_noun
        if group_of is None:
            group_of, noun = sequences({} if self.target == "labels" else self.names.names), "video"
        found = [group_of.get(name, "") for name in names]
        return Groups(found, noun) if found and all(found) else None

    def describe(self) -> str:
        """Table of what is in each split, and how it was chosen, and the corrections; finds the files if needed.

        Raises:
            MissingDataError: See `setup`.
            BadSampleError: See `setup`.
            ValueError: See `setup`.
        """
        if self._parts is None:
            self.prepare_data()
        self._read()
        title = f"{self.data_set}: {self.root}"
        table = part_table(self.parts, title, f"{self.noun}s", f"{self.group_noun}s", self._group_of())
        if self.corrections is None:
            return table
        return f"{table}\ntrain{added(self.records.get('train') or self.split('train'))}: {self.corrections}"

    def _read(self) -> None:
        before = self._read_with
        super()._read()
        if self._read_with is not before:
            self._parts = None
        if self._parts is None:
            self._parts = self._split_names()

    def _find_records(self, stage: str) -> None:
        super()._find_records(stage)
        if stage == "fit" and self._told is not self._parts and is_info_shown():
            rank_zero_info(self._line())
            self._told = self._parts

    def _line(self) -> str:
        counts = {name: len(parts_of(self.records[name])[0]) for name in ("train", "val")}
        line = part_line(self.parts, counts, self.data_set, f"{self.noun}s", added(self.records["train"]))
        group_of = self._group_of()
        shared = 0 if group_of is None else shared_groups(self.parts, group_of)
        return f"{line}; {self.group_noun}s in both: {shared}" if shared else line

    def _split_names(self) -> Parts:
        parts = self.parts_of(self.names)
        check_apart(parts, self.data_set)
        if self.group is not None:
            check_whole(parts, groups_of(self.names.names, self.group), self.data_set)
        return parts

    def parts_of(self, names: SampleNames) -> Parts:
        """The splits of some names, unchecked: a name or a group may be in two.

        Args:
            names: The names of all samples, with or without those whose files are broken.

        Raises:
            MissingDataError: A list does not exist.
            BadSampleError: A list or column cannot be read.
            ValueError: An argument of the split does not fit the names.
        """
        self._names = names
        tested = self._read_test_list()
        rest = set(self.names.names).difference(tested)
        held_out: HeldOut = getattr(self, f"by_{self.way}")([name for name in self.names.names if name in rest])
        test = list(dict.fromkeys([*tested, *held_out.test]))
        how_test = str(self.test_list) if tested else held_out.how
        train = self.names_to_train({*held_out.val, *test})
        return Parts(train, held_out.val, test, held_out.how, how_test)

    def names_to_train(self, held_out: set[str]) -> list[str]:
        """The names of the training samples: all that are not held out."""
        return [name for name in self.names.names if name not in held_out]

    def by_valid_list(self, names: Sequence[str]) -> HeldOut:
        """Holds out what the list names.

        Args:
            names: All that are not in the test list.
        """
        valid_list = self._given("valid_list")
        path = self.root / valid_list
        if not path.is_file():
            raise MissingDataError(
                f"{path}: no such file; expected one name per line. To split without a list, set valid_fraction (such "
                "as 0.2), or valid_groups and group."
            )
        return HeldOut(self.names.read_list(path), valid_list)

    def by_valid_fraction(self, names: Sequence[str]) -> HeldOut:
        """Holds out what is drawn; see `by_valid_list`."""
        fraction = self._given("valid_fraction")
        group_of = None if self._pattern is None else groups_of(names, self._pattern)
        what = "" if group_of is None else f" in whole {self.group_noun}s"
        drawn = draw(names, fraction, self.seed, group_of)
        return HeldOut(drawn, f"valid_fraction {fraction}{what}, seed {self.seed}")

    def by_valid_groups(self, names: Sequence[str]) -> HeldOut:
        """Holds out the groups; see `by_valid_list`."""
        assert self._pattern is not None
        assert self.valid_groups is not None
        group_of = groups_of(names, self._pattern)
        held_out = named_groups("valid_groups", self.valid_groups, sorted({*group_of.values()}), self.root)
        chosen = frozenset(held_out)
        return HeldOut([name for name in names if group_of[name] in chosen], f"valid_groups {', '.join(held_out)}")

    def _given(self, argument: str) -> Any:
        """The value of the lesson's argument, which null may have taken away.

        Raises:
            ValueError: It has, and nothing else splits.
        """
        if (value := self.ways[argument]) is None:
            raise ValueError(f"{argument}: expected a way to split, got none; set one of {', '.join(self.ways)}.")
        return value

    @property
    def _pattern(self) -> str | None:
        return self.group or self.default_group

    def _group_of(self) -> dict[str, str] | None:
        return None if self._pattern is None else groups_of(self.names.names, self._pattern)

    def _read_test_list(self) -> list[str]:
        """Names of the test list; the lesson's own need not exist."""
        if self.test_list is None:
            return []
        path = self.root / self.test_list
        if self.test_list == self.lesson.get("test_list") and not path.is_file():
            return []
        names = self.names.read_list(path)
        if not names:
            raise ValueError(self._no_names(path))
        return names

    def _empty_message(self, name: Split) -> str:
        """Why a split is empty, and what to do."""
        parts, total, nouns = self.parts, len(self.names.names), f"{self.noun}s"
        is_list = self.way == "valid_list"
        how = self.root / parts.how if is_list else parts.how
        if name != "train":
            none = f"{self.data_set}: {how} holds out none of {total} {nouns}; hold out some."
            return self._no_names(how) if is_list else none
        tested, s = (f" and {parts.how_test}", "") if parts.test else ("", "s")
        what, to_do = (f"name{s}", "remove some from the list") if is_list else (f"hold{s} out", "hold out fewer")
        return f"{self.data_set}: no {nouns} are left to train on: {how}{tested} {what} all {total} of them; {to_do}."

    def _no_names(self, path: object) -> str:
        return f"{self.data_set}: {path} names no {self.noun}s; expected one file name per line."


def as_names(names: Any) -> list[str]:
    """Names as text, from one or several; the parser reads 13 as a number."""
    names = plain(names)
    return [str(name) for name in ([names] if isinstance(names, (str, int)) else names or [])]
