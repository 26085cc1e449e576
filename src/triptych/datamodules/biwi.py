"""BIWI for Lightning: the lesson's split by person, and its augmentations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from matplotlib.figure import Figure

from triptych.datamodules.split import HeldOut, named_groups
from triptych.datamodules.split_module import SplitDataModule, as_names
from triptych.datasets.biwi import ARCHIVE, BIWI, Outside, list_frames, list_persons
from triptych.datasets.names import SampleNames
from triptych.datasets.point_corrections import read_point_corrections
from triptych.datasets.points import Points
from triptych.datasets.sample import Records, Sample, Split
from triptych.draw.batch import point_batch
from triptych.transforms import Pipeline, biwi_pipeline


class BIWIDataModule(SplitDataModule):
    """Data module for BIWI: portraits with the centre of the head.

    Frames without a pose, or whose pose is empty or NaN, are dropped; a warning counts them.

    Args:
        root: Folder with a folder for each person.
        image_size: (height, width) in pixels; the lesson's by default.
        batch_size: Frames per batch, or "auto"; see `TriptychDataModule`.
        valid_person: Person held out for validation, or several, each by the name or the number of the folder (3 means
            `"03"`); the lesson's by default. See `SplitDataModule` for other ways to split, which replace the default;
            with `valid_fraction` whole persons are drawn.
        train_persons: Persons to train on, in the same form; None takes all others.
        outside: What happens to frames whose centre lies outside the image: `"drop"` or `"keep"`.
        loading: Further arguments of `SplitDataModule`. `download` fetches 452 MB.

    Raises:
        ValueError: An argument is out of its range.

    Source: fast.ai 2019, lesson 3: `PointsItemList` ... `split_by_valid_func(lambda o: o.parent.name == "13")`.
    """

    archive = ARCHIVE
    target = "point"
    data_set, noun = "biwi", "frame"
    lesson: ClassVar = {"valid_person": ["13"]}
    default_group, group_noun = "^[^/]+", "person"
    corrections_layout = ("images", "points.csv")

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int] = (120, 160),
        batch_size: int | Literal["auto"] = 64,
        *,
        valid_person: str | int | list[str | int] = "13",
        train_persons: list[str | int] | None = None,
        outside: Outside = "drop",
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, **loading)
        self.outside: Outside = outside
        self.valid_persons = as_names(valid_person)
        self.train_persons = None if train_persons is None else as_names(train_persons)
        self._others: list[str] | None = None
        self._frames_of: dict[str, list[str]] = {}
        _ = self.way  # refuses two

    @property
    def metadata(self) -> dict[str, Any]:
        """The number of points."""
        return {"num_points": 1}

    def train_pipeline(self) -> Pipeline:
        """The lesson's augmentations; none moves the centre out of the image."""
        return biwi_pipeline(self.image_size)

    def draw_batch(self, samples: Sequence[Sample], columns: int) -> Figure:
        return point_batch(samples, columns)

    def find(self) -> None:
        persons = list_persons(self.root)
        self._frames_of = {person: list_frames(self.root, person) for person in persons}
        BIWI(self.root, [person for person, frames in self._frames_of.items() if not frames])  # refuses poses alone
        names = [name for frames in self._frames_of.values() for name in frames]
        self._names = SampleNames(names, self.root, self.root, noun=self.noun)
        if self.way == "valid_person":
            self._choose_persons(persons)
        elif self.train_persons is not None:
            raise ValueError(f"train_persons: expected valid_person beside it, got {self.way}; remove one of them.")

    def _choose_persons(self, persons: list[str]) -> None:
        """Completes `valid_persons` and `train_persons`."""
        self.valid_persons = named_groups("valid_person", self.valid_persons, persons, self.root)
        if self.train_persons is None or self.train_persons == self._others:
            self.train_persons = self._others = [one for one in persons if one not in self.valid_persons]
        self.train_persons = named_groups("train_persons", self.train_persons, persons, self.root)
        if not self.valid_persons:
            raise ValueError(
                f"valid_person: expected at least one of the persons in {self.root}, got none; "
                f"there are {', '.join(persons)}."
            )
        both = sorted({*self.train_persons} & {*self.valid_persons})
        if both:
            raise ValueError(f"biwi: person {both[0]!r} is in train_persons and in valid_person; remove it from one.")

    @property
    def ways(self) -> dict[str, Any]:
        return {**super().ways, "valid_person": self.valid_persons or None}

    @property
    def sources(self) -> list[Path]:
        return [*super().sources, self.root, *(self.root / person for person in self._frames_of)]

    def by_valid_person(self, names: Sequence[str]) -> HeldOut:
        """Holds out the frames of the persons; see `by_valid_list`."""
        frames = [name for person in self.valid_persons for name in self._frames_of[person]]
        nouns = "person" if len(self.valid_persons) == 1 else "persons"
        return HeldOut(frames, f"{nouns} {', '.join(self.valid_persons)}")

    def names_to_train(self, held_out: set[str]) -> list[str]:
        persons = self._frames_of if self.train_persons is None else self.train_persons
        return [name for person in persons for name in self._frames_of[person] if name not in held_out]

    def split(self, name: Split) -> Records:
        """Frames of the persons to train on, or of those held out."""
        if name == "train" and self.way == "valid_person" and not self.train_persons:
            raise ValueError(
                f"biwi: no person is left to train on in {self.root}; valid_person holds out "
                f"{', '.join(self.valid_persons)}."
            )
        frames = super().split(name)
        if isinstance(frames, BIWI) and not len(frames):
            raise ValueError(f"biwi: no frames for {name!r} in {self.root}; its persons are {frames.persons}.")
        return frames

    def take(self, names: Sequence[str]) -> BIWI:
        """Frames by their names, person by person."""
        persons = dict.fromkeys(name.partition("/")[0] for name in names)
        return BIWI(self.root, [*persons], outside=self.outside, names=names, scale=self.scale)

    def read_corrections(self, folder: Path) -> Points:
        """Images of a table `points.csv`, as `PointsDataModule` reads it, with the centre in pixels."""
        return read_point_corrections(folder, None, self.outside, self.scale)


def leave_one_person_out(root: str | Path) -> Sequence[dict[str, Any]]:
    """Arguments of `BIWIDataModule` for each fold of a leave-one-person-out validation, sorted by person."""
    return [{"root": str(root), "valid_person": person} for person in list_persons(Path(root))]
