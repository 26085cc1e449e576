"""`POST /predict`: what a program gets for an image or a text, and for what is none."""

import base64
import struct
import zlib
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from exported_models import POINTS, TAGS
from exported_texts import WORDS
from PIL import Image
from uploads import TEXT, Start, decoded, encoded, given, refused, street

from triptych.runtime import Model
from triptych.text import Tokenizer


def test_a_mask_comes_in_the_size_of_the_image_with_its_classes(start: Start) -> None:
    answer = start("mask").post("/predict", files={"image": encoded(street())}).json()
    assert (answer["task"], answer["width"], answer["height"]) == ("mask", 40, 30)
    mask, confidence = (decoded(base64.b64decode(answer[name])) for name in ("mask", "confidence"))
    assert mask.shape == confidence.shape == (30, 40)
    assert (mask[:9] == 0).all() and (mask[11:] == 1).all()
    assert confidence.min() > 85  # 255 / 3 classes
    assert [(one["id"], one["name"], one["color"]) for one in answer["classes"]] == [
        (1, "road", [0, 255, 0]),
        (0, "sky", [255, 0, 0]),
    ]
    assert sum(one["fraction"] for one in answer["classes"]) == pytest.approx(1)


def test_points_come_in_pixels_of_the_image(start: Start) -> None:
    image = np.full((100, 200, 3), (51, 102, 0), np.uint8)  # red 0.2, green 0.4
    answer = start("point").post("/predict", files={"image": encoded(image)}).json()
    places = {one["name"]: (one["y"], one["x"]) for one in answer["points"]}
    assert [*places] == POINTS
    assert places["left_eye"] == pytest.approx((20, 80), abs=0.01)
    assert places["right_eye"] == pytest.approx((20, 120), abs=0.01)


def test_all_tags_come_the_most_probable_first(start: Start) -> None:
    image = np.full((24, 32, 3), (51, 153, 102), np.uint8)
    answer = start("labels").post("/predict", files={"image": encoded(image)}).json()
    tags = [(one["name"], one["chosen"]) for one in answer["tags"]]
    assert tags == [(TAGS[1], True), (TAGS[2], False), (TAGS[0], False)]
    assert [one["probability"] for one in answer["tags"]] == pytest.approx([0.6, 0.4, 0.2], abs=1e-5)
    assert [one["threshold"] for one in answer["tags"]] == [0.5] * 3


def test_a_photograph_is_answered_as_it_is_shown(start: Start) -> None:
    exif = Image.Exif()
    exif[274] = 6  # a quarter turn clockwise
    lying = encoded(np.rot90(street()), exif=exif)
    answer = start("mask").post("/predict", files={"image": lying}).json()
    assert (answer["width"], answer["height"]) == (40, 30)
    assert (decoded(base64.b64decode(answer["mask"]))[:9] == 0).all()


def test_all_categories_come_the_most_probable_first_with_the_number_of_tokens(start: Start) -> None:
    client = start("category")
    answer = client.post("/predict", files={"text": TEXT.encode()}).json()
    assert answer["task"] == "category" and [*answer] == ["task", "categories", "tokens"]
    assert [one["name"] for one in answer["categories"]] == ["positive", "negative"]
    logit = sum(WORDS[word] for word in ("great", "film", "!", "fine", "dull"))
    assert answer["categories"][0]["probability"] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)
    assert answer["tokens"] == len(Tokenizer.english()(TEXT))
    assert client.post("/predict", files={"text": (None, TEXT.encode())}).json() == answer


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 400, "text: expected at least one word, got an empty text."),
        (b" \n", 400, "text: expected at least one word, got an empty text."),
        (b"gr\xe4t", 400, "text: expected UTF-8, got another byte at position 2."),
        (b"no\0text", 400, "text: expected a text, got a NUL character at position 2."),
        ("é".encode() * 100_001, 413, "text: expected at most 100,000 characters, got 100,001; send a shorter one."),
    ],
)
def test_what_is_no_text_is_refused_in_one_sentence(start: Start, data: bytes, status: int, words: str) -> None:
    assert refused(start("category").post("/predict", files={"text": data}), status) == words


def test_a_model_of_texts_asks_for_a_text(start: Start) -> None:
    sentence = refused(start("category").post("/predict", files={"image": encoded(street())}), 400)
    assert sentence == "text: expected this field in the form, got image."


@pytest.mark.parametrize("task", ["mask", "point", "labels", "category"])
def test_answers_are_as_the_description_says(start: Start, task: str) -> None:
    client = start(task)
    described = client.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1.")
    answer = client.post("/predict", files=given(task)).json()
    schemas = described["components"]["schemas"]
    jsonschema.validate(answer, {**schemas["Answer"], "additionalProperties": False})
    jsonschema.validate(client.post("/predict").json(), {**schemas["Error"], "additionalProperties": False})
    for path, operations in described["paths"].items():
        for method in operations:
            assert client.request(method, path).status_code not in (404, 405), path


def _bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that would decode to a large black image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(height * (1 + -(-width // 8))), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "image: expected an image, got an empty file"),
        (b"%PDF-1.7 no image", "image: expected an image, got text ('%PDF-1.7 no image')"),
        (encoded(street())[:-40], "image: expected a whole PNG, but the file is cut off"),
        (encoded(street(), "JPEG")[:150], "image: expected an image, "),
        (_bomb(10_000, 10_000), "image: expected at most 33,554,432 pixels to read, got 10000x10000 = 100,000,000"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "image: expected an image, got a JPEG that is cut off or broken"),
        (b"GIF89a", "image: expected an image, got "),
    ],
)
def test_what_is_no_image_is_refused_in_one_sentence(start: Start, data: bytes, words: str) -> None:
    sentence = refused(start().post("/predict", files={"image": data}), 400)
    assert sentence.startswith(words)


def test_a_model_whose_images_are_no_files_is_not_served(start: Start, models: dict[str, Any]) -> None:
    model = models["labels"]
    grey = Model(replace(model.manifest, in_channels=1), model.network, model.inputs)
    with pytest.raises(ValueError, match=r"in_channels: expected a model of 3 or 4 channels, .* got 1"):
        start("labels", grey)
