"""`show_batch` shows the next training samples with what is to be predicted, and touches nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch

from triptych import CamVidDataModule, PlanetDataModule
from triptych.datasets.camvid_classes import OFFICIAL_NAMES, VOID, class_colors
from triptych.draw.batch import mask_batch, tag_batch
from triptych.draw.masks import Classes


def names_on(figure):
    return [text.get_text() for text in figure.texts if text.get_text().endswith((".png", ".jpg"))]


def test_the_images_are_the_first_of_the_training_order_and_nothing_is_cut(panel, check_whole) -> None:
    figure = panel.data.show_batch(rows=2, columns=3)
    check_whole(figure)
    expected = [path for batch in panel.data.train_dataloader() for path in batch["path"]][:6]
    assert len(figure.axes) == 6
    assert [Path(name).name for name in names_on(figure)] == [Path(path).name for path in expected]


def test_the_data_are_found_where_nobody_called_setup(drawn_streets) -> None:
    data = CamVidDataModule(str(drawn_streets), image_size=(64, 96))
    assert len(data.show_batch(rows=1, columns=2).axes) == 2


def test_fewer_samples_than_asked_for_are_all_shown(make_panel) -> None:
    data = make_panel("camvid").data
    assert len(data.show_batch(rows=5, columns=5).axes) == len(data.records["train"]) == 8


def test_images_are_augmented_or_not_as_in_training(make_panel) -> None:
    for augment in (True, False):
        data = make_panel("planet", augment=augment).data
        batch = next(iter(data.train_dataloader()))
        figure = data.show_batch(rows=1, columns=3)
        for axes, image in zip(figure.axes, batch["image"], strict=True):
            assert np.array_equal(axes.images[0].get_array(), image.permute(1, 2, 0))


def test_random_state_and_the_place_to_resume_from_stay(make_panel) -> None:
    data = make_panel("planet", num_workers=0).data
    data._resume_at, before = (1, 3), torch.get_rng_state()
    shown = names_on(data.show_batch(rows=1, columns=3))
    assert data._resume_at == (1, 3)
    assert torch.equal(torch.get_rng_state(), before)
    assert shown == [Path(path).name for path in next(iter(data.train_dataloader()))["path"]]


def test_the_legend_names_the_classes_that_are_shown_and_void_apart(make_panel) -> None:
    data = make_panel("camvid", batch_size=2).data
    batch = next(iter(data.train_dataloader()))
    metadata = data.metadata
    present = {metadata["class_names"][i] for mask in batch["mask"].tolist() for row in mask for i in row}
    legend = [text.get_text() for text in data.show_batch(rows=1, columns=2).legends[0].get_texts()]
    assert VOID in present, "the warp uncovers something"
    assert {*legend} == present - {VOID} | {"void, not scored"}
    assert legend[-1] == "void, not scored"


def test_the_ring_is_where_the_point_is(make_panel) -> None:
    data = make_panel("biwi").data
    batch = next(iter(data.train_dataloader()))
    for axes, point in zip(data.show_batch(rows=1, columns=3).axes, batch["point"], strict=True):
        (ring,) = axes.lines
        (y, x) = point[0].tolist()
        np.testing.assert_allclose(ring.get_xydata()[0], ((x + 1) / 2 * 64, (y + 1) / 2 * 48), rtol=1e-5)


def test_the_tags_of_each_tile_stand_below_it(make_panel) -> None:
    data = make_panel("planet").data
    batch = next(iter(data.train_dataloader()))
    figure = data.show_batch(rows=1, columns=3)
    words = [text for text in figure.texts if text.get_text() not in names_on(figure)]
    for axes, labels in zip(figure.axes, batch["labels"], strict=True):
        box = axes.get_window_extent()
        below = [text for text in words if box.x0 - 1 <= text.get_window_extent().x0 < box.x1]
        caption = " ".join(text.get_text() for text in sorted(below, key=lambda text: -text.get_position()[1]))
        assert caption.split(", ") == [data.metadata["tags"][i] for i in labels.nonzero().flatten()]


def test_a_tile_without_tags_says_so() -> None:
    sample = {"image": torch.zeros(3, 32, 32, dtype=torch.uint8), "labels": torch.zeros(2), "path": "a.jpg"}
    texts = [text.get_text() for text in tag_batch([sample], ["clear", "road"], 1).texts]
    assert " ".join(texts) in ("a.jpg no tags", "no tags a.jpg")


@pytest.mark.parametrize("columns", [1, 2, 5])
def test_all_32_classes_have_room_in_the_legend(check_whole, columns) -> None:
    mask = torch.arange(32).repeat_interleave(6).view(1, -1).repeat(100, 1)
    sample = {"image": torch.zeros(3, *mask.shape, dtype=torch.uint8), "mask": mask, "path": "a/b.png"}
    classes = Classes(OFFICIAL_NAMES, class_colors(OFFICIAL_NAMES), 30)
    texts = check_whole(mask_batch([sample] * columns, classes, columns))
    assert {*OFFICIAL_NAMES} - {VOID} <= {*texts}


def test_every_tag_at_once_spills_over_nothing(check_whole) -> None:
    tags = [f"a_tag_with_a_long_name_{i}" * (1 + i % 3) for i in range(17)]
    sample = {"image": torch.zeros(3, 32, 32, dtype=torch.uint8), "labels": torch.ones(17), "path": "x" * 90 + ".jpg"}
    check_whole(tag_batch([sample] * 8, tags, 4))


def test_four_bands_are_shown_by_their_first_three() -> None:
    image = torch.randint(256, (4, 8, 9), dtype=torch.uint8)
    sample = {"image": image, "labels": torch.ones(1), "path": "a.tif"}
    (axes,) = tag_batch([sample], ["water"], 4).axes
    assert np.array_equal(axes.images[0].get_array(), image[:3].permute(1, 2, 0))


def test_an_empty_split_is_refused(streets, tiles) -> None:
    names = sorted(path.name for path in (streets / "images").iterdir())
    (streets / "valid.txt").write_text("\n".join(names))
    with pytest.raises(ValueError, match="camvid: no frames are left to train on"):
        CamVidDataModule(str(streets)).show_batch()
    (tiles / "valid.txt").touch()
    with pytest.raises(ValueError, match=r"planet: \S+/valid\.txt names no tiles; expected one file name per line"):
        PlanetDataModule(str(tiles), valid_list="valid.txt").show_batch()


@pytest.mark.parametrize("arguments", [{"rows": 0}, {"columns": 0}])
def test_no_rows_or_columns_are_reported(make_panel, arguments) -> None:
    with pytest.raises(ValueError, match="expected at least 1, got 0"):
        make_panel("planet").data.show_batch(**arguments)
