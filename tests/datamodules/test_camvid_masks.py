"""Masks in CamVid's data module: checked before a stage, mapped by `label_map`, and with 255 left out everywhere."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from command_line import CONFIGS, QUIET
from mask_files import folder, indexed, painted, square
from PIL import Image
from small_fit import TINY

from triptych import CamVidDataModule, UNetSegmenter, plot_confusion, show_results, show_top_losses, top_losses
from triptych.cli import main
from triptych.datamodules.saved_data import saved_data
from triptych.errors import BadSampleError
from triptych.runs.identity import arguments_of, first_difference
from triptych.runs.layout import RunLayout
from triptych.tasks.segmentation import balanced_weights

pytestmark = [
    QUIET,
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
]

TWO = ["background", "lesion"]
BLACK_AND_WHITE = {0: "background", 255: "lesion"}


def module(root: Path, *stages: str, **arguments: Any) -> CamVidDataModule:
    """A data module after `setup` of each stage."""
    data = CamVidDataModule(str(root), (16, 24), 2, augment=False, **arguments)
    for stage in stages:
        data.setup(stage)
    return data


def masks_in(root: Path, *masks: Any, codes: list[str] = TWO) -> Path:
    return folder(root, [Image.fromarray(mask) if isinstance(mask, np.ndarray) else mask for mask in masks], codes)


def test_black_and_white_is_refused_before_training_and_trains_with_a_map(tmp_path: Path) -> None:
    root = masks_in(tmp_path, *[square(0, 255)] * 4)
    with pytest.raises(BadSampleError, match=r"^camvid: 4 checked masks hold 0 \(83\.3 %\), 255 \(16\.7 %\) alone"):
        module(root, "fit")
    data = module(root, "fit", label_map=BLACK_AND_WHITE)
    assert all(np.array_equal(mask, square()) for batch in data.train_dataloader() for mask in batch["mask"])
    assert data.metadata == {"num_classes": 2, "ignore_index": 255, "class_names": TWO}


@pytest.mark.parametrize("stage", ["fit", "validate", "test", "predict"])
def test_a_bad_id_comes_up_before_any_stage(stage: str, tmp_path: Path) -> None:
    root = masks_in(tmp_path, square(), square(), square(0, 9))
    with pytest.raises(BadSampleError, match=r"labels/f2_P\.png: expected class ids 0 to 1 .* got id 9; "):
        module(root, stage)


def test_a_bad_training_mask_does_not_stop_a_validation(tmp_path: Path) -> None:
    root = masks_in(tmp_path, square(0, 9), square(), square())
    module(root, "validate", "test", "predict")


def test_palettes_are_compared_between_training_and_validation(tmp_path: Path) -> None:
    masks = [indexed(square(), [(0, 0, 0), color]) for color in ((9, 0, 0), (9, 0, 0), (0, 9, 0))]
    with pytest.raises(BadSampleError, match=r"expected the palette of .*, but id 1 is the colour #"):
        module(masks_in(tmp_path, *masks), "fit")


@pytest.mark.parametrize(("stage", "word"), [("fit", "validation"), ("validate", "validation"), ("test", "test")])
def test_a_split_of_void_alone_is_refused_before_the_stage(stage: str, word: str, tmp_path: Path) -> None:
    root = masks_in(tmp_path, square(), square(), square(255, 255))
    with pytest.raises(BadSampleError, match=f"^camvid: no {word} pixel is labelled: 1 of 1 masks hold void alone, "):
        module(root, stage)
    module(root, "predict")


def test_training_masks_of_void_alone_are_refused(tmp_path: Path) -> None:
    root = masks_in(tmp_path, square(255, 255), square(255, 255), square())
    with pytest.raises(BadSampleError, match=r"^camvid: no training pixel is labelled: 2 of 2 masks hold void alone"):
        module(root, "fit")


def test_one_class_alone_is_warned_of_once_however_often_a_stage_is_set_up(tmp_path: Path) -> None:
    data = module(masks_in(tmp_path, *[square(1, 1)] * 3))
    with pytest.warns(UserWarning, match=r"^camvid: 3 checked masks hold one class alone, lesion, of 2: 1 \(100"):
        data.setup("fit")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.setup("fit")


@pytest.mark.filterwarnings("ignore:camvid. 1 of 4 checked masks hold 0 and 255 alone:UserWarning")  # void here
@pytest.mark.parametrize(("codes", "counts"), [(TWO, [640, 64]), ([*TWO, "Void"], [640, 64, 0])])
def test_void_pixels_have_no_part_in_the_balance_of_classes(
    codes: list[str], counts: list[int], tmp_path: Path
) -> None:
    root = masks_in(tmp_path, square(), square(0, 255), square(255, 255), square(), codes=codes)
    data = module(root, "fit")
    assert data.class_counts() == counts
    assert balanced_weights(data.class_counts())[:2] == balanced_weights([640, 64])


def test_a_model_neither_learns_from_255_nor_is_scored_on_it_nor_draws_it_as_a_class(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).choice([0, 1, 255], size=(32, 48)).astype(np.uint8)
    data = CamVidDataModule(str(masks_in(tmp_path, *[ids] * 3)), (32, 48), 2)
    data.setup("fit")
    torch.manual_seed(0)
    model = UNetSegmenter(**TINY)
    model.resolve(data.metadata)
    model.configure_model()
    batch = model.on_before_batch_transfer(next(iter(data.val_dataloader())), 0)
    void = batch["mask"] == 255
    assert void.sum() == (ids == 255).sum() > 0
    preds = model.eval()(batch["image"]).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model.mean_loss(preds, batch["mask"]), preds)
    assert (gradient.movedim(1, -1)[void] == 0).all()
    assert (gradient.movedim(1, -1)[~void] != 0).any()
    model.scores = model.build_scores()
    model.update_scores(preds, batch)
    assert model.scores.compute()["support"].sum() == (ids != 255).sum()
    assert np.isfinite(top_losses(model, data)[0].loss)
    for draw in (show_results, show_top_losses, plot_confusion):
        texts = [text.get_text() for text in draw(model, data).findobj(lambda one: hasattr(one, "get_text"))]
        assert not any("255" in text for text in texts)
    legend = {text.get_text() for text in data.show_batch(1, 2).findobj(lambda one: hasattr(one, "get_text"))}
    assert {"background", "lesion", "void, not scored"} <= legend


LABEL_MAPS = [
    "{0: background, 255: lesion}",
    '{"#000000": background, "128,64,128": lesion, "#0000ff": null, "1, 2, 3": 255, "9,9,9": void}',
]


@pytest.mark.parametrize("label_map", LABEL_MAPS)
def test_a_map_goes_through_the_command_line_into_a_saved_configuration_and_back(
    label_map: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = yaml.safe_load(label_map)
    config = ["--config", str(CONFIGS / "camvid.yaml")]
    with pytest.raises(SystemExit, match="0"):
        main(["fit", *config, "--data.label_map", label_map, "--print_config"])
    RunLayout(tmp_path).config.write_text(printed := capsys.readouterr().out)
    assert yaml.safe_load(printed)["data"]["init_args"]["label_map"] == expected
    assert saved_data(tmp_path).arguments["label_map"] == expected
    with pytest.raises(SystemExit, match="0"):
        main(["fit", "--config", str(RunLayout(tmp_path).config), "--print_config"])
    assert capsys.readouterr().out == printed


def test_a_map_belongs_to_the_identity_of_a_run_whatever_type_its_numbers_have() -> None:
    was = arguments_of({}, module(Path("x"), label_map={np.uint8(0): "a", np.uint8(255): None}).arguments, {})
    same = arguments_of({}, module(Path("x"), label_map={0: "a", 255: None}).arguments, {})
    other = arguments_of({}, module(Path("x"), label_map={0: "a", 255: "b"}).arguments, {})
    assert first_difference(was, same) is None
    text = "data.label_map was {'0': 'a', '255': None}, now {'0': 'a', '255': 'b'}"
    assert first_difference(was, other) == text


def test_masks_of_colours_train_with_a_map_of_colours(tmp_path: Path) -> None:
    ids = square()
    ids[0] = 2
    mask = painted(ids, {0: (128, 64, 128), 1: (0, 0, 0), 2: (0, 0, 255)})
    label_map = {"128,64,128": "lesion", "#000000": "Void", "#0000FF": "background"}
    data = module(masks_in(tmp_path, *[mask] * 3), "fit", label_map=label_map)
    (batch,) = data.val_dataloader()
    assert np.array_equal(batch["mask"][0], np.array([1, 255, 0])[ids])


def test_the_error_of_a_map_comes_in_one_line_with_its_argument(tmp_path: Path) -> None:
    root = masks_in(tmp_path, *[square()] * 3)
    text = "label_map: expected the name of a class in codes.txt, or Void, for 255, got 'leson'; the nearest is lesion."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        module(root, "fit", label_map={0: "background", 255: "leson"})
