"""A data module that trains on corrections of a model's answers too."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from triptych.datamodules.hard_examples import MAX_WEIGHT, weights_of
from triptych.datamodules.images import ImageDataModule
from triptych.datasets.corrections import Corrected, NamedRecords, expect_corrections, newest, same_bytes
from triptych.datasets.names import SampleNames
from triptych.datasets.sample import FileRecords
from triptych.errors import MissingDataError


class CorrectedDataModule(ImageDataModule):
    """Data module that adds corrections to the training samples, never to those of another split.

    A correction of a training image, the same bytes, takes the place of its old label; of several of one image the
    newest counts. A correction counts as a sample with a high loss: it is drawn four times as often as the others.

    Args:
        root: Folder of the data set.
        image_size: See `ImageDataModule`.
        batch_size: See `TriptychDataModule`.
        corrections: Folder of corrected images in the data set's own layout, as `triptych serve --corrections` saves
            them; None trains on the data set alone.
        loading: Further arguments of `ImageDataModule`.
    """

    corrections_layout: ClassVar[tuple[str, ...]]
    """Files and folders that corrections are read from."""

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int],
        batch_size: int | Literal["auto"],
        *,
        corrections: str | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(root, image_size, batch_size, **loading)
        self.corrections = None if corrections is None else Path(corrections)

    @property
    def names(self) -> SampleNames:
        """The names of all samples; available after `find`."""
        raise NotImplementedError

    def take(self, names: Sequence[str]) -> FileRecords:
        """The records of some samples, checked.

        Args:
            names: At least one.
        """
        raise NotImplementedError

    def read_corrections(self, folder: Path) -> NamedRecords:
        """The records of the corrections, checked; those of the classes, points or tags of the data.

        Raises:
            MissingDataError: A file or folder does not exist.
            BadSampleError: A file does not hold what is expected.
        """
        raise NotImplementedError

    @property
    def sources(self) -> list[Path]:
        folder = self.corrections
        return [] if folder is None else [folder, *(folder / name for name in self.corrections_layout)]

    def corrected(self, train: Sequence[str], held_out: Iterable[str], folder: Path) -> Corrected:
        """The training samples with the corrections of a folder.

        Args:
            train: Names of the training samples.
            held_out: Names of the samples to validate and to test.
            folder: The folder.

        Raises:
            MissingDataError: See `read_corrections`.
            BadSampleError: See `read_corrections`.
            ValueError: A correction is one of an image to validate or to test on.
        """
        expect_corrections(folder, self.corrections_layout)
        found = self.read_corrections(folder)
        if not len(found):
            raise MissingDataError(f"corrections: expected images in {folder}, got none; leave corrections out.")
        self._refuse_held_out(found, held_out, folder)
        corrections, paths = newest(found), {name: Path(self.names.folder, name) for name in train}
        replaced = same_bytes(corrections.paths, paths.values())
        records = self.take([name for name, path in paths.items() if path not in replaced])
        left_out = {"old labels": len(replaced), "older corrections": len(found) - len(corrections)}
        note = "; ".join(f"{what} left out: {count}" for what, count in left_out.items() if count)
        return Corrected(records, corrections, note)

    def _refuse_held_out(self, corrections: NamedRecords, held_out: Iterable[str], folder: Path) -> None:
        leaks = same_bytes(corrections.paths, [Path(self.names.folder, name) for name in held_out])
        if leaks:
            names, first = sorted({os.path.relpath(path, folder) for path in leaks.values()}), min(leaks)
            raise ValueError(
                "corrections: expected no images to validate or test on, whose scores would be too good, got "
                f"{leaks[first]}, which is {first}; remove from {folder} with their labels: {', '.join(names)}."
            )

    def train_paths(self) -> list[Path]:
        train = self.records["train"]
        assert isinstance(train, FileRecords)
        return [*train.paths]

    def draw_weights(self) -> list[float] | None:
        train = self.records["train"]
        if not isinstance(train, Corrected):
            return super().draw_weights()
        own, table = train.records.paths, self.sample_weights
        weights = None if table is None else weights_of(table, own, self.root, apart=train.corrections.paths)
        return [*(weights or [1.0] * len(own)), *[MAX_WEIGHT] * len(train.corrections)]
