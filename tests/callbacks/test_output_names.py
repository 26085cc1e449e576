"""What is written for an image has a name of its own, which follows from the data set alone."""

import random
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from triptych.callbacks.output_names import OutputNames, inputs_of, output_names
from triptych.datasets import CamVid, Pictures


def key(name: str) -> str:
    """A name as a file system may see it that knows no case."""
    return unicodedata.normalize("NFC", name).casefold()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "bonn/a.jpg", "bonn/köln/a.b.tif"], ["a.png", "bonn/a.png", "bonn/köln/a.b.png"]),
        (["x.jpg", "x.png", "y.png"], ["x.jpg.png", "x.png.png", "y.png"]),
        (["x.jpg", "x.jpg.png", "x.png"], ["x.jpg-2.png", "x.jpg.png", "x.png.png"]),
        (["X.png", "x.png"], ["X.png.png", "x.png-2.png"]),
        (["Bonn/x.png", "bonn/x.png"], ["Bonn/x.png.png", "bonn/x.png-2.png"]),
        (["cafe\u0301.png", "caf\u00e9.jpg"], ["cafe\u0301.png.png", "caf\u00e9.jpg.png"]),
    ],
)
def test_a_name_keeps_its_folder_and_is_that_of_no_other_image(names: list[str], expected: list[str]) -> None:
    assert output_names(names) == expected


def test_no_two_of_many_similar_names_become_one() -> None:
    draw = random.Random(0)
    parts = ["x", "X", "x.png", "x-2", "x.jpg", "x.jpg-2", "é", "e\u0301", "É"]
    for _ in range(200):
        names = [
            draw.choice(["", "a/", "A/"]) + draw.choice(parts) + draw.choice([".png", ".jpg", ".PNG"]) for _ in range(9)
        ]
        names = list(dict.fromkeys(names))
        found = output_names(names)
        assert len({*map(key, found)}) == len(names)
        assert all(
            name.endswith(".png") and name.rpartition("/")[0] == given.rpartition("/")[0]
            for name, given in zip(found, names, strict=True)
        )


def loader_of(records: Any) -> Any:
    return SimpleNamespace(dataset=SimpleNamespace(records=records))


def touch(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


def test_names_count_from_the_folder_or_from_what_all_images_of_a_list_have_in_common(tmp_path: Path) -> None:
    one, two, _ = touch(tmp_path / "in", "bonn/a/x.png", "bonn/b/x.png", "notes.txt")
    assert inputs_of(loader_of(Pictures(tmp_path / "in"))) == {str(one): "bonn/a/x.png", str(two): "bonn/b/x.png"}
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "some.txt").write_text(f"../in/bonn/a/x.png\n{two}\n../in/bonn/a/x.png\n")
    assert [*inputs_of([loader_of(Pictures(tmp_path / "lists" / "some.txt"))]).values()] == ["a/x.png", "b/x.png"]
    assert [*inputs_of(loader_of(Pictures(one))).values()] == ["x.png"]
    assert inputs_of(SimpleNamespace(dataset=[1, 2])) == inputs_of(None) == {}


def test_frames_of_a_data_set_count_from_its_images(drawn_streets: Path) -> None:
    frames = CamVid(drawn_streets)
    found = inputs_of(loader_of(frames))
    assert [*found.values()] == frames.names
    assert [*found] == [frames[i]["path"] for i in range(len(frames))]


def test_images_that_no_data_set_tells_get_numbers_and_in_several_processes_a_digest_of_their_path() -> None:
    alone = OutputNames(None, num_processes=1)
    paths = ["/a/x.png", "/b/x.jpg", "/b/X.png", "/a/x.png", "/b/y.z.png"]
    assert [alone[path] for path in paths] == ["x.png", "x-2.png", "X-3.png", "x.png", "y.z.png"]
    first, second = OutputNames(None, num_processes=2), OutputNames(None, num_processes=2)
    found = [first[path] for path in paths]
    assert [second[path] for path in reversed(paths)] == found[::-1]
    assert len({*map(key, found)}) == 4


def test_an_image_beside_the_data_set_takes_no_name_of_it(tmp_path: Path) -> None:
    touch(tmp_path, "x.png")
    names = OutputNames(loader_of(Pictures(tmp_path)), num_processes=1)
    assert (names["/other/x.png"], names[str(tmp_path / "x.png")]) == ("x-2.png", "x.png")
