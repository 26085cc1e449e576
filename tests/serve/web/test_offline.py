"""The page in one file, without network: it answers as the runtime does, and its corrections are a data set."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from browser import NEEDED
from exported_models import CLASSES, SIZE, TAGS
from page_user import Visit
from PIL import Image
from uploads import TEXT, decoded, encoded, street

from triptych.datasets.camvid import CamVid
from triptych.datasets.planet import Planet
from triptych.datasets.points import Points
from triptych.datasets.texts import TextRecords
from triptych.exported import ExportedFolder
from triptych.runtime import load

pytestmark = NEEDED
IMAGE = encoded(street())


def _written(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _blobs(height: int, width: int) -> np.ndarray:
    """Smooth colours in which one is clearly the strongest almost everywhere, uint8 (H, W, 3)."""
    coarse = np.random.default_rng(5).integers(0, 256, (5, 6, 3), np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def test_mask_is_that_of_the_runtime(pages: dict[str, str], exported: dict[str, ExportedFolder], visit: Visit) -> None:
    user, model = visit(pages["mask"], offline=True), load(exported["mask"].folder)
    height, width = SIZE
    images = {
        "shrinks": _blobs(61, 83),
        "halves": _blobs(2 * height, 2 * width),
        "stays": _blobs(height, width),
        "grows": _blobs(height - 7, width - 5),
        "both": _blobs(height - 7, 3 * width),
    }
    for name, pixels in images.items():
        user.give(f"{name}.png", encoded(pixels))
        user.at("#wrong").click()
        files = user.save()
        found, expected = decoded(files[f"said/{name}.png"]), model(pixels).mask
        assert found.shape == expected.shape and (found != expected).sum() <= max(1, 0.001 * found.size), name


def test_mask_is_corrected_with_brush_fill_and_undo_and_saved_as_camvid(
    pages: dict[str, str], visit: Visit, tmp_path: Path
) -> None:
    user = visit(pages["mask"], offline=True)
    assert user.give("../my street!.png", IMAGE).startswith("road 67 %, sky 33 %")
    user.at("#wrong").click()
    user.page.get_by_label("tree").check()
    user.drag((0.8, 0.1), (0.8, 0.9))
    user.at("#fill").check(force=True)
    user.drag((0.1, 0.1))
    user.at("#undo").click()
    files = user.save()
    assert {*files} == {"images/my_street.png", "labels/my_street_P.png", "said/my_street.png", "codes.txt"}
    assert files["images/my_street.png"] == IMAGE
    mask, said = decoded(files["labels/my_street_P.png"]), decoded(files["said/my_street.png"])
    assert (mask[24, 4:36] == CLASSES.index("tree")).all() and (mask[:10] == 0).all() and mask[15, 20] == 1
    assert not (said == CLASSES.index("tree")).any()
    data = CamVid(_written(files, tmp_path))
    assert data.class_names == CLASSES and (data[0]["mask"] == mask).all()
    assert {url.split(":")[0] for url in user.requests} <= {"file", "blob"}


def test_point_is_dragged_and_saved_as_a_table_of_points(pages: dict[str, str], visit: Visit, tmp_path: Path) -> None:
    user = visit(pages["point"], offline=True)
    said = user.give("face.png", IMAGE)
    handle = user.at(".handle").first
    box = handle.bounding_box()
    assert box is not None and said.startswith("left_eye at y 8, x 22")
    user.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    user.page.mouse.down()
    user.page.mouse.move(*user.place(0.5, 0.25))
    user.page.mouse.up()
    handle.press("Shift+ArrowLeft")
    files = user.save()
    assert files["images/face.png"] == IMAGE
    assert json.loads(files["said/face.json"])["points"][0]["name"] == "left_eye"
    sample = Points(_written(files, tmp_path))[0]
    assert sample["keypoints"][0] == pytest.approx([9, 15], abs=0.2)  # x, y


def test_tags_are_ticked_and_saved_as_planet(pages: dict[str, str], visit: Visit, tmp_path: Path) -> None:
    user = visit(pages["labels"], offline=True)
    assert user.give("tile.jpg", encoded(street(), "JPEG"), "image/jpeg").startswith("water")
    user.at("#wrong").click()
    user.page.get_by_label("clear", exact=True).check()
    user.page.get_by_label("water", exact=True).uncheck()
    files = user.save()
    user.give("tile.jpg", encoded(street(), "JPEG"), "image/jpeg")
    user.at("#wrong").click()
    files = user.save()
    assert files["train_v2.csv"] == b"image_name,tags\ntile,clear\ntile_2,water\n"
    data = Planet(_written(files, tmp_path), tags=TAGS)
    assert [data[i]["labels"].tolist() for i in range(2)] == [[1, 0, 0], [0, 1, 0]]


def test_category_is_that_of_the_runtime(
    pages: dict[str, str], exported: dict[str, ExportedFolder], visit: Visit
) -> None:
    user, model = visit(pages["category"], offline=True), load(exported["category"].folder)
    for text in (TEXT, "bad", "It was DULL, dull, dull.\n\nNever again &amp; so on. 😀", "nothing of it is known"):
        result, said = model(text), user.write(text)
        best = result.probabilities[result.category]
        assert said.startswith(f"{result.category}, {best:.0%}".replace("%", " %"))
        assert f"· {result.tokens} tokens ·" in said
    assert user.at(".tags .number").all_inner_texts() == ["50 %", "50 %"]


def test_category_is_chosen_and_saved_as_a_table_of_texts(pages: dict[str, str], visit: Visit, tmp_path: Path) -> None:
    user = visit(pages["category"], offline=True)
    assert user.write(TEXT).startswith("positive")
    user.at("#wrong").click()
    user.page.get_by_label("negative").check()
    user.save()
    user.write("bad")
    user.at("#wrong").click()
    files = user.save()
    assert {*files} == {"texts/text.txt", "texts/text_2.txt", "said/text.json", "said/text_2.json", "texts.csv"}
    assert files["texts/text.txt"] == TEXT.encode()
    assert json.loads(files["said/text.json"])["categories"][0]["name"] == "positive"
    texts = TextRecords(_written(files, tmp_path) / "texts.csv", split_column=None)
    assert [(one["label"], one["text"]) for one in texts] == [("negative", TEXT), ("negative", "bad")]
    assert {url.split(":")[0] for url in user.requests} <= {"file", "blob"}


def test_empty_and_endless_texts_are_refused_in_one_sentence(pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages["category"], offline=True)
    user.at("#ask").click()
    user.at("#status.wrong").wait_for()
    assert user.said == "Expected at least one word; write or paste a text first."
    user.at("#text").fill("é" * 100_001)
    user.at("#text").press("Control+Enter")
    user.page.locator("#status", has_text="at most").wait_for()
    assert user.said == "Expected at most 100,000 characters, got 100,001."
    assert user.write("great").startswith("positive")


def test_image_is_turned_as_its_camera_says(pages: dict[str, str], visit: Visit) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned to the right
    user = visit(pages["mask"], offline=True)
    user.give("turned.jpg", encoded(street(), "JPEG", exif=exif, quality=95), "image/jpeg")
    user.at("#wrong").click()
    said = decoded(user.save()["said/turned.png"])
    assert said.shape == (40, 30) and (said[:, 22:] == 0).all() and (said[:, :18] == 1).all()


def test_photo_is_taken_with_the_camera(pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages["labels"], offline=True)
    user.at("#photograph").click()
    user.page.wait_for_timeout(500)
    user.at("#shoot").click()
    user.at("#wrong:enabled").wait_for()
    user.at("#wrong").click()
    (photo,) = [content for name, content in user.save().items() if name == "train-jpg/photo.jpg"]
    assert Image.open(io.BytesIO(photo)).size[0] >= 320


def test_file_that_is_no_image_is_refused_in_one_sentence(pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages["mask"], offline=True)
    user.at("#file").set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no image"})
    user.at("#status.wrong").wait_for()
    assert user.said == "notes.txt: expected an image that this browser can show, such as PNG, JPEG or WebP."
    assert user.give("street.png", IMAGE).startswith("road")


def test_image_is_pasted_and_dropped(pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages["mask"], offline=True)
    for kind, field in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        user.page.evaluate(
            """([kind, field, bytes]) => {
              const given = new DataTransfer();
              given.items.add(new File([new Uint8Array(bytes)], "given.png", { type: "image/png" }));
              const Kind = kind === "paste" ? ClipboardEvent : DragEvent;
              dispatchEvent(new Kind(kind, { [field]: given, bubbles: true }));
            }""",
            [kind, field, [*IMAGE]],
        )
        user.at("#wrong:enabled").wait_for()
        assert user.said.startswith("road")
        user.page.evaluate("() => { document.getElementById('status').textContent = ''; }")
