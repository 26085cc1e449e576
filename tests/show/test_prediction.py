"""One's own images with the predictions of a model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from triptych import show_prediction
from triptych.errors import MissingDataError

SIZE = (40, 90)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    return tmp_path / "mine.png"


def test_a_picture_is_shown_in_its_own_size(
    panel: Any, picture: Path, check_whole: Callable[[Figure], list[str]]
) -> None:
    figure = show_prediction(panel.model, panel.data, picture)
    assert "mine.png" in check_whole(figure)
    assert figure.axes[0].images[0].get_array().shape[:2] == SIZE


def test_arrays_and_images_and_lists_are_shown_as_files_are(panel: Any, picture: Path) -> None:
    (of_file,) = show_prediction(panel.model, panel.data, picture).axes
    image = Image.open(picture)
    figure = show_prediction(panel.model, panel.data, [image, np.asarray(image), str(picture)])
    for axes in figure.axes:
        assert np.array_equal(axes.images[0].get_array(), of_file.images[0].get_array())
    assert len(figure.axes) == 3


def test_model_and_data_are_afterwards_what_they_were(panel: Any, picture: Path) -> None:
    records, modes = dict(panel.data.records), [module.training for module in panel.model.modules()]
    show_prediction(panel.model, panel.data, picture)
    assert (panel.data.records, panel.data.predict_path) == (records, None)
    assert [module.training for module in panel.model.modules()] == modes


def test_the_cross_lies_where_the_model_says_in_pixels_of_the_file(
    make_panel: Callable[..., Any], picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data = make_panel("biwi")
    monkeypatch.setattr(model, "forward", lambda images: torch.tensor([[[0.5, -0.5]]]))
    (cross,) = show_prediction(model, data, picture).axes[0].lines
    assert (*cross.get_xdata(), *cross.get_ydata()) == (0.25 * SIZE[1], 0.75 * SIZE[0])


def test_the_tags_above_the_threshold_are_named_the_surest_first(
    make_panel: Callable[..., Any],
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    check_whole: Callable[[Figure], list[str]],
) -> None:
    model, data = make_panel("planet")
    logits = torch.full((1, len(model.tags)), -5.0)
    logits[0, 3], logits[0, 7] = 1.0, 2.0
    monkeypatch.setattr(model, "forward", lambda images: logits)
    words = " ".join(check_whole(show_prediction(model, data, picture)))
    assert f"{model.tags[7]} 0.88, {model.tags[3]} 0.73" in words
    assert model.tags[0] not in words


def test_a_folder_shows_all_its_pictures(make_panel: Callable[..., Any], picture: Path) -> None:
    Image.open(picture).resize((30, 60)).save(picture.with_name("other.jpg"))
    assert len(show_prediction(*make_panel("camvid"), picture.parent).axes) == 2


def test_a_picture_that_does_not_exist_is_named(make_panel: Callable[..., Any]) -> None:
    with pytest.raises(MissingDataError, match=r"nowhere\.jpg"):
        show_prediction(*make_panel("biwi"), "nowhere.jpg")
