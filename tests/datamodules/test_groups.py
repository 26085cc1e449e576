"""The groups of samples that are alike, over which an interval draws."""

from pathlib import Path
from typing import Any

import pytest

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule
from triptych.metrics.units import Groups


def groups(data: Any) -> Groups | None:
    """Those of the validation samples."""
    data.setup("validate")
    records = data.records["val"]
    found: Groups | None = data.groups_of([records[index]["path"] for index in range(len(records))])
    return found


def test_persons_are_groups(drawn_portraits: Path) -> None:
    found = groups(BIWIDataModule(str(drawn_portraits), valid_person=["02", "13"]))
    assert found == Groups(["02"] * 5 + ["13"] * 5, "person")


def test_frames_that_are_named_as_those_of_videos_are_groups_unless_others_are_given(drawn_streets: Path) -> None:
    found = groups(CamVidDataModule(str(drawn_streets)))
    assert found is not None and found.noun == "video" and len(found.of_images) == 4
    given = groups(CamVidDataModule(str(drawn_streets), valid_list=None, valid_fraction=0.3, group=r"(\d)\.png$"))
    assert given is not None and given.noun == "group" and all(group.isdecimal() for group in given.of_images)


@pytest.mark.parametrize("others", [["elsewhere/x.png"], []])
def test_files_that_are_no_samples_have_no_groups(drawn_streets: Path, others: list[str]) -> None:
    data = CamVidDataModule(str(drawn_streets))
    data.setup("validate")
    assert data.groups_of(others) is None


def test_numbered_tiles_are_no_video(drawn_tiles: Path) -> None:
    assert groups(PlanetDataModule(str(drawn_tiles))) is None
