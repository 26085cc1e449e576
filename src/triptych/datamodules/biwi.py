"""BIWI for Lightning: the lesson's split by person, and its augmentations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.datasets.biwi import ARCHIVE, BIWI, Outside, list_persons
from triptych.datasets.sample import Records, Sample, Split
from triptych.draw.batch import point_batch
from triptych.runs.plain_values import plain
from triptych.transforms import Pipeline, biwi_pipeline


class BIWIDataModule(TriptychDataModule):
    """Data module for BIWI: portraits with the centre of the head.

    Args:
        root: Folder with a folder for each person.
        image_size: (height, width) in pixels; the lesson's by default.
        batch_size: Frames per batch, or "auto"; see `TriptychDataModule`.
        valid_person: Person held out for validation, or several, each by the name or the number of the folder (3 means
            `"03"`); the lesson's by default.
        train_persons: Persons to train on, in the same form; None takes all others.
        outside: What happens to frames whose centre lies outside the image: `"drop"` or `"keep"`.
        loading: Further arguments of `TriptychDataModule`. `download` fetches 452 MB.

    Source: fast.ai 2019, lesson 3: `PointsItemList` ... `split_by_valid_func(lambda o: o.parent.name == "13")`.
    """

    archive = ARCHIVE
    target = "point"

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
        self.valid_persons = [str(person) for person in _as_list(plain(valid_person))]
        self.train_persons = None if train_persons is None else [str(person) for person in train_persons]

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
        self.valid_persons = self._folders("valid_person", self.valid_persons, persons)
        if self.train_persons is None:
            self.train_persons = [person for person in persons if person not in self.valid_persons]
        self.train_persons = self._folders("train_persons", self.train_persons, persons)
        if not self.valid_persons:
            raise ValueError(
                f"valid_person: expected at least one of the persons in {self.root}, got none; "
                f"there are {', '.join(persons)}."
            )
        both = sorted({*self.train_persons} & {*self.valid_persons})
        if both:
            raise ValueError(f"biwi: person {both[0]!r} is in train_persons and in valid_person; remove it from one.")

    def _folders(self, argument: str, names: list[str], persons: list[str]) -> list[str]:
        """The folders of the persons that an argument names, each once."""
        found = {name: [name] if name in persons else _with_number(name, persons) for name in names}
        unknown = [repr(name) for name, folders in found.items() if not folders]
        if unknown:
            raise ValueError(f"{argument}: {self.root} has no {', '.join(unknown)}; there are {', '.join(persons)}.")
        for name, folders in found.items():
            if len(folders) > 1:
                raise ValueError(
                    f"{argument}: expected one folder, but {name} matches {', '.join(folders)}; write one in quotes."
                )
        return list(dict.fromkeys(folders[0] for folders in found.values()))

    def split(self, name: Split) -> Records:
        """Frames of the persons to train on, or of those held out."""
        persons = (self.train_persons or []) if name == "train" else self.valid_persons
        if not persons:
            raise ValueError(
                f"biwi: no person is left to train on in {self.root}; valid_person holds out "
                f"{', '.join(self.valid_persons)}."
            )
        frames = BIWI(self.root, persons, outside=self.outside, scale=self.scale)
        if not len(frames):
            raise ValueError(f"biwi: no frames for {name!r} in {self.root}; its persons are {persons}.")
        return frames

    def train_paths(self) -> list[Path]:
        frames = self.records["train"]
        assert isinstance(frames, BIWI)
        return frames.paths


def _as_list(persons: str | int | list[str | int]) -> list[str | int]:
    return [persons] if isinstance(persons, (str, int)) else list(persons or [])  # the parser accepts null


def _with_number(name: str, persons: list[str]) -> list[str]:
    """Folders with the number `name`; YAML reads 03 without quotes as 3."""
    return [person for person in persons if name.isdecimal() and person.isdecimal() and int(person) == int(name)]


def leave_one_person_out(root: str | Path) -> Sequence[dict[str, Any]]:
    """Arguments of `BIWIDataModule` for each fold of a leave-one-person-out validation, sorted by person."""
    return [{"root": str(root), "valid_person": person} for person in list_persons(Path(root))]
