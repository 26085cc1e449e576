"""The page from a server: the server answers, and corrections become files in its folder."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from browser import NEEDED
from exported_models import CLASSES
from page_user import Visit
from uploads import TEXT, decoded, encoded, street

from triptych.datasets.texts import TextRecords
from triptych.exported import ExportedFolder
from triptych.runtime import load
from triptych.serve.app import build_app
from triptych.serve.corrections import Corrections
from triptych.serve.page import page_html
from triptych.serve.server import Listener

pytestmark = NEEDED
IMAGE = encoded(street())


@contextmanager
def _served(folder: ExportedFolder, corrected: Path) -> Iterator[str]:
    """Address of a server of a model, in a thread of this process."""
    model = load(folder.folder)
    corrections = Corrections(corrected, model.manifest)
    app = build_app(model, page_html(folder, offline=False, corrections=True), corrections)
    with Listener("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, args=([listener.socket],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listener.address
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.parametrize("task", ["mask", "point", "labels"])
def test_answer_is_seen_corrected_and_saved(
    task: str, exported: dict[str, ExportedFolder], visit: Visit, tmp_path: Path
) -> None:
    with _served(exported[task], tmp_path / "corrected") as address:
        user = visit(address)
        said = {"mask": "road 67 %, sky 33 %", "point": "left_eye at y 8, x 22", "labels": "water"}[task]
        assert user.give("street.png", IMAGE).startswith(said)
        if task == "point":
            user.at(".handle").last.press("ArrowDown")
        else:
            user.at("#wrong").click()
        if task == "mask":
            user.page.get_by_label("tree").check()
            user.drag((0.5, 0.1), (0.5, 0.9))
        if task == "labels":
            user.page.get_by_label("clear", exact=True).check()
        user.at("#save").click()
        user.at("#giving").wait_for()
        folder = "train-jpg" if task == "labels" else "images"
        assert user.said == f"Saved on the server: {folder}/street.png"
        assert (tmp_path / "corrected" / folder / "street.png").read_bytes() == IMAGE
        assert all(url.startswith((address, "blob:")) for url in user.requests)
    if task == "mask":
        mask = decoded((tmp_path / "corrected/labels/street_P.png").read_bytes())
        assert np.bincount(mask.ravel()).size == 3 and (mask[15, 4:36] == CLASSES.index("tree")).all()
    if task == "labels":
        assert (tmp_path / "corrected/train_v2.csv").read_text() == "image_name,tags\nstreet,clear water\n"


def test_text_is_answered_corrected_and_saved(
    exported: dict[str, ExportedFolder], visit: Visit, tmp_path: Path
) -> None:
    with _served(exported["category"], tmp_path / "corrected") as address:
        user = visit(address)
        assert user.write(TEXT).startswith("positive")
        user.at("#wrong").click()
        user.page.get_by_label("negative").check()
        user.at("#save").click()
        user.at("#giving").wait_for()
        assert user.said == "Saved on the server: texts/text.txt"
        assert (tmp_path / "corrected/texts/text.txt").read_bytes() == TEXT.encode()
        assert all(url.startswith((address, "blob:")) for url in user.requests)
    (text,) = TextRecords(tmp_path / "corrected/texts.csv", split_column=None)
    assert (text["label"], text["text"]) == ("negative", TEXT)


def test_refusal_of_the_server_is_shown(exported: dict[str, ExportedFolder], visit: Visit, tmp_path: Path) -> None:
    with _served(exported["mask"], tmp_path) as address:
        user = visit(address)
        user.give("street.png", IMAGE)
        user.at("#wrong").click()
        (tmp_path / "codes.txt").write_text("another\ndata\nset\n")
        user.at("#save").click()
        user.at("#status.wrong").wait_for()
        assert "another" in user.said and "\n" not in user.said
        assert user.at("#save").is_visible()
