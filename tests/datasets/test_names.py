"""A sample is found in a list however the list spells it, or the line is refused."""

import random
import re
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from triptych.datasets.names import SampleNames
from triptych.errors import BadSampleError, MissingDataError

NAMES = ["a.png", "bonn/a.png", "bonn/stra\u00dfe_1.jpg", "bonn/caf\u00e9.PNG", "k\u00f6ln/b.001.png", "c d.tif"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "data" / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "images" / name).touch()
    (tmp_path / "data" / "lists").mkdir()
    return tmp_path / "data"


def read(root: Path, content: str | bytes, names: list[str] = NAMES, where: str = "lists/valid.txt") -> list[str]:
    (root / where).write_bytes(content.encode() if isinstance(content, str) else content)
    return SampleNames(names, root / "images", root, noun="frame").read_list(root / where)


def other_case_of_suffix(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{suffix.swapcase()}"


SPELLINGS: dict[str, Callable[[str, Path], str]] = {
    "name": lambda name, root: name,
    "from the image folder": lambda name, root: f"./{name}",
    "roundabout": lambda name, root: f"bonn/.././{name}",
    "from the root": lambda name, root: f"images/{name}",
    "from the list or the image folder": lambda name, root: f"../images/{name}",
    "absolute": lambda name, root: str(root / "images" / name),
    "absolute and roundabout": lambda name, root: f"{root}/lists/../images//{name}",
    "absolute before the folder was moved": lambda name, root: f"/mnt/old/images/{name}",
    "absolute on Windows": lambda name, root: f"C:\\data\\images\\{name}".replace("/", "\\"),
    "without suffix": lambda name, root: name.rpartition(".")[0],
    "from the root without suffix": lambda name, root: f"images/{name}".rpartition(".")[0],
    "other case of suffix": lambda name, root: other_case_of_suffix(name),
    "of Windows": lambda name, root: name.replace("/", "\\"),
    "of Windows from the root": lambda name, root: f".\\images\\{name}".replace("/", "\\"),
    "decomposed": lambda name, root: unicodedata.normalize("NFD", name),
    "with spaces around": lambda name, root: f"  {name}\t",
}


@pytest.mark.parametrize("how", SPELLINGS)
def test_a_spelling_names_its_sample(root: Path, how: str) -> None:
    for name in NAMES:
        for where in ("lists/valid.txt", "valid.txt", "images/valid.txt"):
            assert read(root, SPELLINGS[how](name, root), where=where) == [name], (name, where)


def test_random_spellings_in_random_lists_name_the_same_samples(root: Path) -> None:
    random_ = random.Random(0)
    for _ in range(60):
        chosen = random_.sample(NAMES, random_.randint(1, len(NAMES)))
        lines = [SPELLINGS[random_.choice(list(SPELLINGS))](name, root) for name in chosen]
        again = [SPELLINGS[random_.choice(list(SPELLINGS))](name, root) for name in chosen]
        end = random_.choice(["\n", "\r\n", "\n\n"])
        mark = random_.choice(["", "\ufeff"])
        names = [unicodedata.normalize(random_.choice(["NFC", "NFD"]), name) for name in NAMES]
        found = read(root, mark + end.join(lines + again), names)
        assert [unicodedata.normalize("NFC", name) for name in found] == chosen


@pytest.mark.parametrize("link", ["root", "images", "sub"])
def test_paths_through_links_name_the_same_samples(root: Path, tmp_path: Path, link: str) -> None:
    target = {"root": root, "images": root / "images", "sub": root / "images" / "bonn"}[link]
    moved = target.rename(tmp_path / "moved")
    target.symlink_to(moved)
    real = (root / "images" / "bonn" / "a.png").resolve()
    expected = ["bonn/a.png"]
    assert read(root, f"{root}/images/bonn/a.png") == read(root, "../images/bonn/a.png") == expected
    if link != "sub":  # a sample below a linked subfolder has no path below the real folder of the images
        assert read(root, str(real)) == expected


def test_a_file_alone_may_be_named_without_its_folder_if_it_is_the_only_one(root: Path) -> None:
    assert read(root, "stra\u00dfe_1.jpg\ncaf\u00e9\nb.001") == [NAMES[2], NAMES[3], NAMES[4]]
    assert read(root, "a.png\na") == ["a.png"]
    with pytest.raises(BadSampleError, match=r"line 2, but 'a\.png' may be bonn/a\.png or k\u00f6ln/a\.png; write it"):
        read(root, "\na.png", ["bonn/a.png", "k\u00f6ln/a.png"])


@pytest.mark.parametrize(
    ("line", "names"),
    [("x", ["x.png", "x.jpg"]), ("x.Png", ["x.png", "x.PNG"]), ("u\u0308", ["\u00fc.png", "u\u0308.jpg"])],
)
def test_a_line_that_may_mean_two_samples_is_refused_with_both(root: Path, line: str, names: list[str]) -> None:
    text = f"expected the name of one frame in line 1, but {line!r} may be {names[0]} or {names[1]}; write it in full."
    with pytest.raises(BadSampleError, match=re.escape(text)):
        read(root, line, names)
    assert read(root, f"{names[1]}\n{names[0]}", names) == [names[1], names[0]]


def test_unknown_lines_are_counted_and_the_first_is_named_with_its_like(root: Path) -> None:
    text = (
        f"{root / 'lists' / 'valid.txt'}: 2 of 4 lines name no frame; the first is '../images/bonn/stra\u00dfe.jpg' in "
        "line 3 (the nearest: bonn/stra\u00dfe_1.jpg"
    )
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        read(root, "a.png\n\n../images/bonn/stra\u00dfe.jpg\nbonn/a\n0\n")
    with pytest.raises(
        BadSampleError, match=r"1 of 1 lines name no frame; .*; expected names such as a\.png, one per line\.$"
    ):
        read(root, "images/0123456789.bmp")


@pytest.mark.parametrize(
    "line", ["/a.png", "/elsewhere/a.png", "../a.png", "../../images/a.png", "lists/a.png", "A.png"]
)
def test_a_path_elsewhere_names_no_sample(root: Path, line: str) -> None:
    with pytest.raises(BadSampleError, match="1 of 1 lines name no frame"):
        read(root, line)


def test_an_alias_names_its_sample(root: Path) -> None:
    (root / "valid.txt").write_text("t7\nt8_rgb.tif\nt9.TIF\n")
    aliases = {f"t{number}": f"t{number}_rgb.tif" for number in range(10)}
    names = SampleNames(aliases.values(), root / "images", root, aliases={**aliases, "t9.tif": "t9_rgb.tif"})
    assert names.read_list(root / "valid.txt") == ["t7_rgb.tif", "t8_rgb.tif", "t9_rgb.tif"]


def test_an_absent_list_is_missing_data(root: Path) -> None:
    with pytest.raises(MissingDataError, match=r"x\.txt: no such file; expected one name per line\.$"):
        SampleNames(NAMES, root / "images", root).read_list(root / "x.txt")


@pytest.mark.parametrize("how", ["name", "from the root", "absolute", "without suffix"])
def test_a_long_list_takes_seconds_at_most(root: Path, how: str) -> None:
    names = [f"drive_{number % 50}/frame_{number:06d}.png" for number in range(20_000)]
    content = "\n".join(SPELLINGS[how](name, root) for name in names)
    start = time.process_time()
    assert read(root, content, names) == names
    assert time.process_time() - start < 4  # one in twenty thousand squared would take minutes


@pytest.mark.parametrize("line", ['"a.png"', "'a.png',", "a.png;", '"images/a.png",', '"images\\a.png"'])
def test_quotes_and_commas_of_a_spreadsheet_are_passed_over(root: Path, line: str) -> None:
    assert read(root, line) == ["a.png"]
