"""`show_results` and `show_top_losses` show what was predicted, from a model or from what a run saved."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from triptych import MultiLabelClassifier, show_results, show_top_losses, top_losses
from triptych.show.results import evenly_spaced


def names_on(figure):
    return [text.get_text() for text in figure.texts if text.get_text().endswith((".png", ".jpg"))]


@pytest.mark.parametrize(("length", "count", "places"), [(9, 3, [1, 4, 7]), (2, 3, [0, 1]), (100, 1, [50])])
def test_samples_lie_evenly_in_the_split(length, count, places) -> None:
    assert evenly_spaced(length, count) == places


def test_truth_stands_beside_prediction(make_panel, check_whole) -> None:
    model, data = make_panel("camvid")
    figure = show_results(model, data, rows=2)
    texts = check_whole(figure)
    assert len(figure.axes) == 4
    assert {"truth", "prediction"} < {*texts}
    model.eval()
    samples = data.val_dataloader().dataset
    for row, index in enumerate(evenly_spaced(len(samples), 2)):
        sample = samples[index]
        ids = model(sample["image"][None]).argmax(dim=1)[0]
        labelled = sample["mask"] != data.metadata["ignore_index"]
        fraction = (ids == sample["mask"])[labelled].double().mean()
        assert f"{100 * fraction:.1f} % of the labelled pixels correct" in texts
        assert names_on(figure)[row] == Path(sample["path"]).name


def test_void_predicted_or_true_and_all_other_classes_shown_are_in_the_legend(make_panel) -> None:
    model, data = make_panel("camvid")
    figure = show_results(model, data, rows=1)
    model.eval()
    sample = data.val_dataloader().dataset[2]
    ids = model(sample["image"][None]).argmax(dim=1)
    shown = {data.metadata["class_names"][i] for i in torch.cat([ids.flatten(), sample["mask"].flatten()]).unique()}
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {name.replace("void, not scored", "Void") for name in legend} == shown


def test_both_points_are_marked_and_joined(make_panel, check_whole) -> None:
    model, data = make_panel("biwi", image_size=(24, 40))
    figure = show_results(model, data, rows=1)
    texts = check_whole(figure)
    model.eval()
    samples = data.val_dataloader().dataset
    for axes, index in zip(figure.axes, evenly_spaced(len(samples), 4), strict=True):
        sample = samples[index]
        (true_y, true_x), (y, x) = sample["point"][0].tolist(), model(sample["image"][None])[0, 0].tolist()
        link, ring, cross = (line.get_xydata() for line in axes.lines)
        np.testing.assert_allclose(ring[0], ((true_x + 1) * 20, (true_y + 1) * 12), rtol=1e-4)
        np.testing.assert_allclose(cross[0], ((x + 1) * 20, (y + 1) * 12), rtol=1e-4)
        np.testing.assert_allclose(link, [ring[0], cross[0]])
        miss = np.hypot((x - true_x) * 32, (y - true_y) * 24)  # the frames are 48x64
        assert f"{miss:.1f} px off" in texts
    assert {"true point", "predicted point"} < {*texts}


def test_the_kinds_of_tags_differ_in_sign_and_colour(make_panel, check_whole) -> None:
    model, data = make_panel("planet")
    figure = show_results(model, data, rows=1)
    check_whole(figure)
    words = {text.get_text(): text.get_color() for text in figure.texts}
    model.eval()
    samples, tags = data.val_dataloader().dataset, data.metadata["tags"]
    shown, expected = set(), set()
    for text in words:
        shown |= {*re.findall(r"[✓−+] \w+", text)}  # noqa: RUF001
    for index in evenly_spaced(len(samples), 4):
        sample = samples[index]
        probabilities = model(sample["image"][None])[0].sigmoid().tolist()
        for tag, probability, label in zip(tags, probabilities, sample["labels"].tolist(), strict=True):
            sign = {(True, 1): "✓", (False, 1): "−", (True, 0): "+"}.get((probability > 0.5, label))  # noqa: RUF001
            expected |= {f"{sign} {tag}"} if sign else set()
    assert shown == expected
    legend = {text.get_text()[0]: to_hex(text.get_color()) for text in figure.legends[0].get_texts()}
    assert len({*legend.values()}) == len(legend) == 3
    assert all(to_hex(color) == legend[text[0]] for text, color in words.items() if text[0] in legend)


def test_the_worst_come_first_with_name_loss_and_what_is_wrong(panel, check_whole) -> None:
    figure = show_top_losses(*panel, k=4)
    shown = " ".join(check_whole(figure))
    worst = top_losses(*panel, k=4)
    assert len(figure.axes) == 4
    assert [Path(name).name for name in names_on(figure)] == [Path(one.path).name for one in worst]
    for one in worst:
        assert f"loss {one.loss:#.3g}:" in shown
        words = re.findall(r"[\w.]+", one.wrong)
        if isinstance(panel.model, MultiLabelClassifier):  # the figure has a sign before each tag
            words = [word for word in words if word in panel.model.tags]
        assert all(word in shown for word in words)


def test_wrong_pixels_are_marked_and_right_ones_are_grey(make_panel) -> None:
    model, data = make_panel("camvid")
    (worst,) = top_losses(model, data, k=1)
    drawn = np.asarray(show_top_losses(model, data, k=1).axes[0].images[0].get_array()).astype(int)
    model.eval()
    sample = data.val_dataloader().dataset[worst.index]
    wrong = (model(sample["image"][None]).argmax(dim=1)[0] != sample["mask"]).numpy()
    labelled = (sample["mask"] != data.metadata["ignore_index"]).numpy()
    is_grey = np.ptp(drawn, axis=2) == 0
    assert is_grey[labelled & ~wrong].all()
    assert not is_grey[labelled & wrong].any()


@pytest.mark.parametrize("show", [show_results, show_top_losses])
def test_a_run_folder_and_a_checkpoint_show_what_their_model_shows(panel, save_run, show) -> None:
    run = save_run(panel.model)
    shown = [show(given, panel.data) for given in (panel.model, run, str(run / "checkpoints" / "best.ckpt"))]
    texts = [[text.get_text() for text in figure.texts] for figure in shown]
    assert texts[0] == texts[1] == texts[2]


@pytest.mark.parametrize("show", [show_results, show_top_losses])
def test_a_checkpoint_of_another_task_is_reported(make_panel, save_run, show) -> None:
    run = save_run(make_panel("camvid").model)
    with pytest.raises(ValueError, match="UNetSegmenter") as caught:
        show(run, make_panel("planet").data)
    assert str(caught.value) == (
        "UNetSegmenter predicts masks, but PlanetDataModule has tags; choose a model and data of one task."
    )


def test_a_checkpoint_of_other_classes_is_reported(make_panel, save_run, streets) -> None:
    run = save_run(make_panel("camvid").model)
    codes = (streets / "codes.txt").read_text().replace("Sky", "Heaven")
    (streets / "codes.txt").write_text(codes)
    data = make_panel("camvid").data
    data.root = streets
    data.setup("validate")
    with pytest.raises(ValueError, match=r"^class_names: the model or its checkpoint has"):
        show_results(run, data)


@pytest.mark.parametrize("show", [show_results, show_top_losses])
def test_a_run_folder_without_a_checkpoint_is_reported(panel, tmp_path, show) -> None:
    with pytest.raises(FileNotFoundError, match="expected a run folder with a checkpoint in checkpoints/, found none"):
        show(tmp_path, panel.data)


def test_no_rows_and_no_samples_are_reported(panel) -> None:
    with pytest.raises(ValueError, match=r"^rows: expected at least 1, got 0\.$"):
        show_results(*panel, rows=0)
    with pytest.raises(ValueError, match=r"^k: expected at least 1, got 0\.$"):
        show_top_losses(*panel, k=0)
    panel.data.records["val"] = []
    for show in (show_results, show_top_losses):
        with pytest.raises(ValueError, match="expected samples in its 'val' split, found none"):
            show(*panel)
