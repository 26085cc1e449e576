"""`triptych doctor`: exit codes, the table, JSON, the page, and files that correct what was found."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import browser
import numpy as np
import pytest
from command_line import QUIET, config_args
from PIL import Image
from threads import one_thread

from triptych.cli import main

pytestmark = QUIET


class Reader(HTMLParser):
    """The pictures and captions of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.alts: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            assert (values["src"] or "").startswith("data:image/png;base64,")
            self.alts.append(values["alt"] or "")
        elif tag not in ("meta", "br"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


def doctor(*args: str | Path) -> int:
    """Runs the command; returns its exit code."""
    with one_thread():
        try:
            main(["doctor", *map(str, args)])
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


def state(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def odd_ids(root: Path) -> Path:
    """Masks of 0 and 200, of which 200 has no class."""
    (root / "codes.txt").write_text("background\nlesion\n")
    for path in sorted((root / "labels").iterdir()):
        Image.fromarray(np.where(np.asarray(Image.open(path)) > 16, 200, 0).astype(np.uint8)).save(path)
    return root


def leaking(root: Path) -> Path:
    """Each drive on both sides of the split."""
    (root / "valid.txt").write_text("\n".join(sorted(path.name for path in (root / "images").iterdir())[1::3]))
    return root


@pytest.mark.parametrize("task", ["camvid", "biwi", "planet"])
def test_a_healthy_set_ends_with_0(roots: dict[str, Path], task: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(task, roots[task]) == 0
    assert "0 errors" in capsys.readouterr().out


def test_the_data_of_a_configuration_are_examined_with_its_arguments(
    roots: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (_, config, *_) = config_args("camvid", roots["camvid"])
    assert doctor("--config", config, "--data.root", roots["camvid"], "--data.valid_list", "other.txt", "--json") == 1
    assert "other.txt: no such file" in capsys.readouterr().out


def test_an_error_ends_with_1_and_the_table_fits_80_columns(
    streets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert doctor("camvid", leaking(streets)) == 1
    printed = capsys.readouterr().out
    assert "same-group" in printed and "error" in printed and "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "expected a data set"),
        (("camvid",), "expected a data set"),
        (("streets", "DIR"), "invalid choice: 'streets'"),
        (("camvid", "DIR", "--quick"), "unrecognized arguments: --quick"),
        (("camvid", "DIR", "--data.color", "1"), r"data\.color"),
        (("camvid", "DIR", "--data.min_area", "2"), "min_area: expected a fraction"),
        (("--config", "nowhere.yaml"), r"nowhere\.yaml"),
    ],
)
def test_a_command_that_cannot_be_understood_ends_with_2(
    args: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(*args) == 2
    message = capsys.readouterr().err.rstrip("\n")
    assert "\n" not in message
    assert re.search(words, message), message


def test_json_is_all_that_is_printed(streets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor("camvid", leaking(streets), "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["samples"] == 12 and answer["splits"] == {"train": 8, "val": 4}
    (found,) = [one for one in answer["findings"] if one["level"] == "error"]
    assert found["kind"] == "same-group"
    assert sorted(file["path"] for file in found["files"]) == sorted(
        f"images/{line}" for line in (streets / "valid.txt").read_text().split()
    )


def test_the_page_shows_what_is_wrong_beside_why(streets: Path, tmp_path: Path) -> None:
    assert doctor("camvid", odd_ids(streets), "--html", tmp_path / "page.html") == 1
    page = Reader(tmp_path / "page.html")
    assert not page.open_tags
    masks = sorted(f"labels/{path.name}" for path in (streets / "labels").iterdir())
    assert sorted(alt for alt in page.alts if alt.startswith("labels/")) == sorted([*masks, *masks])  # with its frame
    assert re.search(r"labels/\S+</b> 200 \(\d+\.\d %\)", (tmp_path / "page.html").read_text())


@browser.NEEDED
@pytest.mark.slow
def test_a_browser_shows_the_page_without_asking_for_anything(streets: Path, tmp_path: Path) -> None:
    doctor("camvid", odd_ids(streets), "--html", tmp_path / "doctor.html")
    seen = browser.seen(tmp_path / "doctor.html", tmp_path, 600)
    assert "error: ids-outside" in seen["headings"]
    assert min(seen["images"]) > 0 and not seen["requests"] and seen["loose_links"] == 0 and seen["too_wide"] <= 0


def test_fix_writes_a_list_and_touches_nothing_else(streets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(leaking(streets))
    assert doctor("camvid", streets, "--fix") == 1
    assert "valid_list: valid.fixed.txt" in " ".join(capsys.readouterr().out.split())
    after = state(streets)
    assert after.keys() - before.keys() == {"valid.fixed.txt"}
    assert {name: after[name] for name in before} == before
    assert doctor("camvid", streets, "--data.valid_list", "valid.fixed.txt") == 0
    (streets / "valid.fixed.txt").write_text("mine\n")
    doctor("camvid", streets, "--fix")
    assert (streets / "valid.fixed.txt").read_text() == "mine\n"


def test_fix_writes_a_label_map_that_a_configuration_takes(streets: Path) -> None:
    before = state(odd_ids(streets))
    assert doctor("camvid", streets, "--fix") == 1
    assert state(streets).items() > before.items()
    config = streets.parent / "own.yaml"
    config.write_text(f"data:\n  class_path: triptych.CamVidDataModule\n  init_args:\n    root: {streets}\n")
    assert doctor("--config", config) == 1
    assert doctor("--config", config, "--config", streets / "label_map.yaml") == 0
