"""`plot_confusion` has the counts of a direct loop, and is readable with 32 classes."""

import numpy as np
import pytest
import torch
from points_files import NAMES, write_faces
from small_fit import TINY

from triptych import PointRegressor, PointsDataModule, plot_confusion
from triptych.datasets.camvid_classes import OFFICIAL_NAMES
from triptych.datasets.planet_tags import PLANET_TAGS
from triptych.draw.confusion import class_confusion, tag_confusion
from triptych.draw.point_errors import point_errors


def test_rows_are_the_fractions_of_each_true_class_over_labelled_pixels(make_panel, check_whole) -> None:
    model, data = make_panel("camvid")
    figure = plot_confusion(model, data)
    check_whole(figure)
    names, void = data.metadata["class_names"], data.metadata["ignore_index"]
    counts = np.zeros((len(names), len(names)))
    model.eval()
    samples = data.val_dataloader().dataset
    for index in range(len(samples)):
        sample = samples[index]
        ids = model(sample["image"][None]).argmax(dim=1)[0]
        for true, predicted in zip(sample["mask"].flatten().tolist(), ids.flatten().tolist(), strict=True):
            counts[true, predicted] += true != void
    rows, columns = counts.sum(axis=1) > 0, (counts.sum(axis=1) + counts.sum(axis=0)) > 0
    expected = 100 * counts[rows][:, columns] / counts[rows].sum(axis=1, keepdims=True)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), expected, rtol=1e-5)
    assert [label.get_text() for label in axes.get_xticklabels()] == [names[i] for i in np.flatnonzero(columns)]
    assert [label.get_text().split("  ")[0] for label in axes.get_yticklabels()] == [
        names[i] for i in np.flatnonzero(rows)
    ]
    assert names[void] not in [label.get_text().split("  ")[0] for label in axes.get_yticklabels()]


def test_32_classes_have_room_and_every_percentage_from_half_a_percent_is_written(check_whole) -> None:
    counts = torch.randint(1, 1000, (32, 32), generator=torch.Generator().manual_seed(0))
    counts += 30000 * torch.eye(32, dtype=torch.int64)
    figure = class_confusion(counts, OFFICIAL_NAMES)
    check_whole(figure)
    percent = 100 * counts / counts.sum(dim=1, keepdim=True)
    assert len(figure.axes[0].texts) == int((percent >= 0.5).sum())


def test_classes_that_neither_occur_nor_are_predicted_are_left_out(check_whole) -> None:
    counts = torch.zeros(4, 4, dtype=torch.int64)
    counts[0, 0], counts[0, 2] = 3, 1
    figure = class_confusion(counts, ["Road", "Car", "Sky", "Void"])
    check_whole(figure)
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[75, 25]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Road", "Sky"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Road  100 %"]


def test_masks_without_labels_are_reported() -> None:
    with pytest.raises(ValueError, match="expected labelled pixels among the validation samples, found none"):
        class_confusion(torch.zeros(4, 4, dtype=torch.int64), ["Road", "Car", "Sky", "Void"])


def test_tags_are_counted_as_one_by_hand(make_panel, check_whole) -> None:
    model, data = make_panel("planet")
    figure = plot_confusion(model, data)
    check_whole(figure)
    model.eval()
    counts = {tag: [0, 0, 0] for tag in data.metadata["tags"]}
    samples = data.val_dataloader().dataset
    for index in range(len(samples)):
        sample = samples[index]
        preds = (model(sample["image"][None])[0].sigmoid() > 0.5).tolist()
        for tag, is_predicted, label in zip(counts, preds, sample["labels"].tolist(), strict=True):
            if is_predicted or label:
                counts[tag][0 if is_predicted and label else 1 if label else 2] += 1
    axes = figure.axes[0]
    tags = [label.get_text().split("  ")[0] for label in axes.get_yticklabels()]
    assert {*tags} == {tag for tag, kinds in counts.items() if sum(kinds)}
    drawn = np.array([[bar.get_width() for bar in bars] for bars in axes.containers]).T
    expected = [[100 * kind / sum(counts[tag]) for kind in counts[tag]] for tag in tags]
    np.testing.assert_allclose(drawn, expected, rtol=1e-5)
    support = [sum(counts[tag][:2]) for tag in tags]
    assert support == sorted(support, reverse=True)


def test_all_tags_of_planet_have_room(check_whole) -> None:
    counts = torch.randint(1, 99999, (3, 17), generator=torch.Generator().manual_seed(0))
    assert len(check_whole(tag_confusion(*counts, PLANET_TAGS))) > 17


def test_a_single_tag_has_room_too(check_whole) -> None:
    one = torch.ones(1, dtype=torch.int64)
    assert "water  2" in check_whole(tag_confusion(one, one, one, ["water"]))


def test_a_single_point_is_refused(make_panel) -> None:
    with pytest.raises(ValueError, match=r"got PointRegressor of one point; see show_top_losses"):
        plot_confusion(*make_panel("biwi"))


def test_the_errors_by_point_are_those_of_a_loop_and_the_largest_is_on_top(tmp_path, check_whole) -> None:
    write_faces(tmp_path, count=8, missing=0.4)
    data, model = PointsDataModule(str(tmp_path), (48, 64), valid_fraction=0.6, flip_pairs=[]), PointRegressor(**TINY)
    figure = plot_confusion(model, data)
    check_whole(figure)
    names, errors = data.metadata["point_names"], {name: [] for name in NAMES}
    model.eval()
    samples = data.val_dataloader().dataset
    for index in range(len(samples)):
        places, target = model(samples[index]["image"][None])[0].tolist(), samples[index]["point"].tolist()
        for name, (y, x), (true_y, true_x) in zip(names, places, target, strict=True):
            if not np.isnan(true_y):
                errors[name].append(np.hypot((y - true_y) * 24, (x - true_x) * 32))
    order = sorted(NAMES, key=lambda name: -np.mean(errors[name]))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"{name}  {len(errors[name])}" for name in order]
    lengths = [bar.get_width() for bar in axes.containers[0]]
    np.testing.assert_allclose(lengths, [np.mean(errors[name]) for name in order], rtol=1e-4)


def test_68_points_have_room_and_those_that_no_image_has_are_left_out(check_whole) -> None:
    support = torch.arange(68)
    texts = check_whole(point_errors(torch.rand(68) * 300, support, [f"landmark {i}" for i in range(68)]))
    assert "landmark 67  67" in texts and "landmark 0  0" not in texts
    with pytest.raises(ValueError, match="expected known points in the validation images, found none"):
        point_errors(torch.full((2,), torch.nan), torch.zeros(2, dtype=torch.int64), ["a", "b"])


def test_a_run_is_enough_unless_it_has_another_task_or_no_checkpoint(make_panel, save_run, tmp_path) -> None:
    model, data = make_panel("planet")
    run = save_run(model)
    assert len(plot_confusion(run, data).axes) == 1
    with pytest.raises(ValueError, match="MultiLabelClassifier predicts tags, but CamVidDataModule has masks"):
        plot_confusion(run, make_panel("camvid").data)
    with pytest.raises(FileNotFoundError, match="expected a run folder with a checkpoint"):
        plot_confusion(tmp_path, data)
