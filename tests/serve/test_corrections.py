"""`POST /corrections`: files in the layout of the data set, whole or not at all, and never over an earlier one."""

import csv
import errno
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import files
from exported_models import CLASSES, POINTS, TAGS
from starlette.testclient import TestClient
from uploads import TEXT, Start, decoded, encoded, given, refused, street

from triptych.datasets.camvid import CamVid
from triptych.datasets.planet import Planet
from triptych.datasets.points import Points
from triptych.datasets.texts import TextRecords
from triptych.errors import BadSampleError
from triptych.files import save_together
from triptych.serve.app import build_app
from triptych.serve.corrections import Corrections
from triptych.serve.corrections.folder import plain_stem
from triptych.serve.corrections.points import PointLayout
from triptych.serve.corrections.tags import TagLayout

IMAGE = encoded(street())
MASK = np.full((30, 40), 2, np.uint8)
MASK[0, 0] = 255
PLACES = [{"name": "left_eye", "y": 12.5, "x": 3}, {"name": "right_eye", "y": 29.999, "x": 0}]
LABELS = {
    "mask": encoded(MASK),
    "point": json.dumps(PLACES).encode(),
    "labels": json.dumps(["road", "clear"]).encode(),
    "category": b'"negative"',
}


def _send(client: Any, task: str, **fields: Any) -> Any:
    """Sends a correction of a task, with other fields if they are given."""
    return client.post("/corrections", files={"label": LABELS[task], "name": b"street.png", **given(task), **fields})


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [*csv.reader(file)]


def test_a_corrected_mask_is_a_frame_with_its_mask(start: Start, tmp_path: Path) -> None:
    response = _send(start("mask"), "mask")
    assert (response.status_code, response.json()) == (201, {"saved": "images/street.png"})
    root = tmp_path / "corrected"
    assert (root / "images" / "street.png").read_bytes() == IMAGE
    frames = CamVid(root)
    frames.check()
    assert (frames.codes, frames.names) == (CLASSES, ["street.png"])
    assert (frames[0]["mask"] == MASK).all()
    assert (decoded((root / "said" / "street.png").read_bytes())[12:] == 1).all()


def test_corrected_points_are_rows_of_the_table(start: Start, tmp_path: Path) -> None:
    client = start("point")
    assert _send(client, "point").json() == {"saved": "images/street.png"}
    assert _send(client, "point", label=json.dumps(PLACES[:1])).json() == {"saved": "images/street_2.png"}
    root = tmp_path / "corrected"
    assert _rows(root / "points.csv")[0] == ["path", "name", "y_px", "x_px"]
    points = Points(root)
    assert (points.point_names, points.names) == (POINTS, ["images/street.png", "images/street_2.png"])
    assert points.points_px[0].tolist() == [[3, 12.5], [0, 29.999]]
    assert np.isnan(points.points_px[1, 1]).all()
    said = json.loads((root / "said" / "street.json").read_text())
    assert [one["name"] for one in said["points"]] == POINTS


def test_a_single_point_without_a_name_has_none_in_the_table(models: dict[str, Any], tmp_path: Path) -> None:
    alone = {"names": ["point 1"], "hyper_parameters": {"point_names": None}}
    layout = PointLayout(replace(models["point"].manifest, **alone))
    label = layout.label(b'[{"name": "point 1", "y": 1, "x": 2}]', (30, 40))
    table = layout.files(tmp_path, "a", ("a.png", IMAGE), label)[tmp_path / "points.csv"]
    assert table == b"path,y_px,x_px\nimages/a.png,1.0,2.0\n"


def test_corrected_tags_are_rows_of_the_table(start: Start, tmp_path: Path) -> None:
    client = start("labels")
    assert _send(client, "labels").json() == {"saved": "train-jpg/street.png"}
    assert _send(client, "labels", image=encoded(street(), "JPEG"), label=b"[]").json() == {
        "saved": "train-jpg/street_2.jpg"
    }
    tiles = Planet(tmp_path / "corrected", tags=TAGS)
    assert {name: tiles.tag_table.tags_of[name] for name in tiles.names} == {
        "street": ["clear", "road"],
        "street_2": [],
    }
    assert tiles.path("street").read_bytes() == IMAGE


def test_a_corrected_category_is_a_row_of_the_table(start: Start, tmp_path: Path) -> None:
    client, awkward = start("category"), '"Dull", they say;\r\nit is\n\n=1+1'
    assert _send(client, "category").json() == {"saved": "texts/street.txt"}
    assert _send(client, "category", text=awkward.encode(), label=b'"positive"').json() == {
        "saved": "texts/street_2.txt"
    }
    root = tmp_path / "corrected"
    assert _rows(root / "texts.csv") == [
        ["label", "text", "is_valid"],
        ["negative", TEXT, "False"],
        ["positive", awkward, "False"],
    ]
    texts = TextRecords(root / "texts.csv", split_column=None)
    assert [(one["label"], one["text"]) for one in texts] == [
        ("negative", TEXT),
        ("positive", awkward.replace("\r\n", "\n")),
    ]
    assert (root / "texts/street.txt").read_bytes() == TEXT.encode()
    said = json.loads((root / "said/street.json").read_text())
    assert said["categories"][0]["name"] == "positive"


def test_tags_of_several_words_are_read_as_they_were(models: dict[str, Any], tmp_path: Path) -> None:
    tags = ["clear sky", "farmer's field", "x"]
    layout = TagLayout(replace(models["labels"].manifest, names=tags))
    label = layout.label(json.dumps(tags[:2]).encode(), (30, 40))
    save_together(layout.files(tmp_path, "a", ("a.png", IMAGE), label))
    assert Planet(tmp_path, tags="table").tag_table.tags_of == {"a": tags[:2]}
    layout.check(tmp_path)


@pytest.mark.parametrize(
    ("task", "label", "words"),
    [
        ("mask", encoded(MASK[:20]), "label: expected the size of its image, 40x30, got 40x20 (width x height)."),
        ("mask", encoded(np.full_like(MASK, 3)), "label: expected class ids 0 to 2, or 255 for void, got 3."),
        (
            "mask",
            encoded(street()),
            "label: expected 8-bit class ids, or 16-bit ones, got 3 bands of 8 bits (mode RGB)",
        ),
        ("mask", encoded(MASK, "JPEG"), "label: expected a mask without losses, got JPEG, which changes ids"),
        ("mask", b"[]", "label: expected an image, got text ('[]')"),
        ("point", b"{", "label: expected a list in JSON, got '{'."),
        ("point", b"[" * 100_000, "label: expected a list in JSON, got '[[["),
        ("point", b"[]", "label: expected at least one point, got none."),
        ("point", b'[{"name": "nose", "y": 1, "x": 1}]', "label: expected each point of left_eye, right_eye at most"),
        (
            "point",
            json.dumps(PLACES[:1] * 2),
            "label: expected each point of left_eye, right_eye at most once, got 'left",
        ),
        (
            "point",
            b'[{"name": "left_eye", "y": 30, "x": 1}]',
            "label: expected left_eye inside of the image, y below 30",
        ),
        (
            "point",
            b'[{"name": "left_eye", "y": NaN, "x": 1}]',
            "label: expected left_eye inside of the image, y below 30",
        ),
        ("point", b'[{"name": "left_eye", "y": "1", "x": 1}]', "label: expected points as name, y and x, got {'name'"),
        ("point", b'[{"name": "left_eye", "y": 1e999, "x": 1}]', "label: expected left_eye inside of the image"),
        ("labels", b'["fog"]', "label: expected tags of the model, got 'fog'."),
        ("labels", b'[["road"]]', "label: expected tags of the model, got \"['road']\"."),
        ("labels", b"road", "label: expected a list in JSON, got 'road'."),
        ("labels", b"\xff\xfe", "label: expected a list in JSON, got '"),
        (
            "category",
            b'"neutral"',
            "label: expected one of the categories of the model in JSON, such as 'negative' in ",
        ),
        ("category", b"negative", "label: expected one of the categories of the model in JSON, such as 'negative' in "),
        ("category", b'["negative"]', "label: expected one of the categories of the model in JSON, such as 'negative'"),
    ],
)
def test_a_label_that_does_not_fit_is_refused_and_nothing_is_left(
    start: Start, tmp_path: Path, task: str, label: bytes, words: str
) -> None:
    sentence = refused(_send(start(task), task, label=label), 400)
    assert sentence.startswith(words)
    assert files(tmp_path / "corrected") <= {".lock"}


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("street.png", "street"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\My Street (1).JPG", "My_Street_1"),
        (".bashrc", "bashrc"),
        ("Größe.jpg", "Gr_e"),
        ("", "image"),
        ("con.png", "image"),
        ("\0\n/", "image"),
        ("x" * 500 + ".png", "x" * 60),
    ],
)
def test_a_name_of_a_client_is_never_a_path(name: str, stem: str) -> None:
    assert plain_stem(name) == stem


def test_two_servers_save_many_at_once_and_mix_none(start: Start, tmp_path: Path) -> None:
    clients = [start("labels"), start("labels")]
    with ThreadPoolExecutor(8) as pool:
        saved = [*pool.map(lambda i: _send(clients[i % 2], "labels").json()["saved"], range(16))]
    assert len({*saved}) == 16
    tiles = Planet(tmp_path / "corrected", tags=TAGS)
    assert sorted(f"train-jpg/{tiles.path(name).name}" for name in tiles.names) == sorted(saved)
    assert not [name for name in files(tmp_path / "corrected") if ".part" in name]


@pytest.mark.parametrize("task", ["mask", "point", "labels", "category"])
@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (errno.ENOSPC, 507, "the folder of the corrections is full; nothing was saved."),
        (errno.EROFS, 500, "the folder of the corrections refuses files (Read-only file system); nothing was saved."),
    ],
)
def test_if_a_file_cannot_be_written_there_is_none(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, number: int, status: int, words: str
) -> None:
    client, really = start(task), os.replace
    _send(client, task)
    before = _contents(tmp_path / "corrected")

    def fails_at_last(source: Path, target: Path) -> None:
        if (
            target.name in ("points.csv", "train_v2.csv", "texts.csv")
            or target == tmp_path / "corrected/images/street_2.png"
        ):
            raise OSError(number, os.strerror(number), str(target))
        really(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fails_at_last)
        assert refused(_send(client, task), status).startswith(words)
    assert _contents(tmp_path / "corrected") == before
    assert Path(_send(client, task).json()["saved"]).stem == "street_2"


def test_a_first_correction_that_fails_leaves_no_folders(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start("mask")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    refused(_send(client, "mask"), 507)
    assert files(tmp_path / "corrected") <= {".lock"}


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("task", "name", "text", "words"),
    [
        (
            "mask",
            "codes.txt",
            "sky\nroad\n",
            "expected the classes of the model (sky, road, tree, 3 in all), got sky, ",
        ),
        ("mask", "points.csv", "path,y_px,x_px\n", "expected corrections with codes.txt, got data with points.csv"),
        ("mask", "texts.csv", "label,text,is_valid\n", "expected corrections with codes.txt, got data with texts.csv"),
        ("category", "texts.csv", "text,label\n", "expected the columns label,text,is_valid, got text,label; choose"),
        (
            "category",
            "texts.csv",
            "label,text,is_valid\nneutral,so,False\n",
            "expected the categories of the model (negative, positive), got 'neutral'; choose another folder.",
        ),
        ("point", "points.csv", "path,y_px,x_px\n", "expected the columns path,name,y_px,x_px, got path,y_px,x_px;"),
        (
            "point",
            "points.csv",
            "path,name,y_px,x_px\na.png,nose,1,2\n",
            "expected the points of the model (left_eye, ",
        ),
        (
            "labels",
            "train_v2.csv",
            "image_name,tags\na,road fog\n",
            "expected the tags of the model (clear, water, road), ",
        ),
        ("labels", "train_v2.csv", "image_name,tags\na\n", "line 2: expected 2 cells, got 1."),
        (
            "labels",
            "train_v2.csv",
            "image_name,tags\na,\xe4\n",
            "expected text in UTF-8; save it so, or choose another",
        ),
    ],
)
def test_the_data_of_another_model_are_refused_at_the_start(
    models: dict[str, Any], tmp_path: Path, task: str, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(BadSampleError, match=re.escape(words)):
        Corrections(tmp_path, models[task].manifest)


def test_a_folder_that_is_a_file_is_refused_at_the_start(models: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OSError, match="taken"):
        Corrections(tmp_path / "taken", models["mask"].manifest)


def test_a_table_that_a_spreadsheet_saved_goes_on(models: dict[str, Any], start: Start, tmp_path: Path) -> None:
    (tmp_path / "corrected").mkdir()
    table = tmp_path / "corrected" / "train_v2.csv"
    table.write_bytes("\ufeffimage_name,tags\r\nold,road".encode())
    _send(start("labels"), "labels")
    assert _rows(table) == [["image_name", "tags"], ["old", "road"], ["street", "clear road"]]


def test_without_a_folder_nothing_is_taken(models: dict[str, Any]) -> None:
    client = TestClient(build_app(models["labels"], ""), "http://127.0.0.1")
    assert _send(client, "labels").status_code == 404
    assert "/corrections" not in client.get("/openapi.json").json()["paths"]
