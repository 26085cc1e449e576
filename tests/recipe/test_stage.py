"""What a stage leaves out it takes from the one before, and what cannot be a recipe is reported in one line."""

import re
from dataclasses import replace
from typing import Any

import pytest

from triptych import CamVidDataModule, IMDBDataModule, UNetSegmenter
from triptych.recipe import Stage
from triptych.recipe.stage import FullStage, check_names, fill, first_change


@pytest.fixture(scope="module")
def model() -> UNetSegmenter:
    return UNetSegmenter(
        num_classes=3,
        encoder="timm-mobilenetv3_small_minimal_100",
        encoder_weights=None,
        max_lr=2e-3,
        weight_decay=0.02,
        pct_start=0.4,
        freeze_to=1,
    )


@pytest.fixture
def data() -> CamVidDataModule:
    return CamVidDataModule("nowhere", image_size=(64, 96), batch_size=8, augment=False)


FROM_MODEL_AND_DATA = {
    **{"freeze_to": 1, "image_size": (64, 96), "batch_size": 8, "max_lr": 2e-3},
    **{"pct_start": 0.4, "weight_decay": 0.02, "precision": "bf16-mixed", "augment": False},
    "sample_weights": "even",
}
LARGER = {"image_size": (128, 192), "batch_size": 2}
CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "the first takes all but its epochs": ([{"epochs": 3}], [{"epochs": 3}]),
    "the second takes all": ([{"epochs": 3, "max_lr": [1e-4, 1e-3]}, {}], 2 * [{"epochs": 3, "max_lr": [1e-4, 1e-3]}]),
    "false and zero are given values": (
        [{"epochs": 1, "augment": True, "freeze_to": -1, "weight_decay": 0.1}, {"augment": False, "freeze_to": 0}, {}],
        [{"augment": True, "freeze_to": -1, "weight_decay": 0.1}]
        + 2 * [{"augment": False, "freeze_to": 0, "weight_decay": 0.1}],
    ),
    "what a stage sets stays until another sets it": (
        [{"epochs": 1}, {"pct_start": 0.9, "precision": "32-true"}, {"epochs": 4}, {"pct_start": 0.3}],
        [
            {"epochs": 1},
            {"epochs": 1, "pct_start": 0.9, "precision": "32-true"},
            {"epochs": 4, "pct_start": 0.9, "precision": "32-true"},
            {"epochs": 4, "pct_start": 0.3, "precision": "32-true"},
        ],
    ),
    "a pair may be a tuple": ([{"epochs": 1, "max_lr": (1e-4, "find")}], [{"epochs": 1, "max_lr": [1e-4, "find"]}]),
    "a slice is kept as text": (
        [{"epochs": 1, "max_lr": slice(1e-3)}, {"max_lr": "slice(find/9, find)"}],
        [{"max_lr": "slice(0.001)"}, {"max_lr": "slice(find/9, find)"}],
    ),
    "a rate for each group": ([{"epochs": 1, "max_lr": [1e-4, 1e-3, "find"]}], [{"max_lr": [1e-4, 1e-3, "find"]}]),
    "twice the size, a quarter of the batch": ([{"epochs": 1}, {"image_size": [128, 192]}], [{}, LARGER]),
    "the first may be larger too": ([{"epochs": 1, "image_size": (128, 192)}], [LARGER]),
    "and back": (
        [{"epochs": 1}, {"image_size": (128, 192)}, {"image_size": (64, 96)}],
        [{}, LARGER, {"image_size": (64, 96), "batch_size": 8}],
    ),
    "rounded": ([{"epochs": 1, "image_size": (72, 96)}], [{"image_size": (72, 96), "batch_size": 7}]),
    "at least one": ([{"epochs": 1, "image_size": (640, 960)}], [{"image_size": (640, 960), "batch_size": 1}]),
    "a given batch size stays": (
        [{"epochs": 1}, {"image_size": (128, 192), "batch_size": 8}, {}],
        [{}, *2 * [{"image_size": (128, 192), "batch_size": 8}]],
    ),
    "auto is the batch size that it would be, until a number is given": (
        [{"epochs": 1}, {"batch_size": "auto"}, {"image_size": (128, 192)}, {"batch_size": 3}],
        [{}, {"auto_batch_size": True}, {**LARGER, "auto_batch_size": True}, {**LARGER, "batch_size": 3}],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_stage_takes_what_it_leaves_out_from_the_one_before(
    model: UNetSegmenter, data: CamVidDataModule, case: str
) -> None:
    typed, expected = CASES[case]
    filled = fill([Stage(f"s{i}", **given) for i, given in enumerate(typed)], model, data, "bf16-mixed")
    assert filled == [
        FullStage(**{**FROM_MODEL_AND_DATA, "name": f"s{i}", "epochs": 1, **values})
        for i, values in enumerate(expected)
    ]


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([Stage("a")], "stages: a: epochs: expected at least 1, got None."),
        ([Stage("a", 1), Stage("b", 0)], "stages: b: epochs: expected at least 1, got 0."),
        (
            [Stage("a", 1), Stage("b", freeze_to=3)],
            "stages: b: freeze_to: expected a number from -3 to 2 (encoder_early, encoder_late, head), got 3.",
        ),
        (
            [Stage("a", 1), Stage("b", max_lr=[1e-5, "find/10", 1e-4, 1e-3])],
            "stages: b: max_lr: expected a number above 0 or a pair [first_group, last_group] of them, slice(last), "
            "slice(first, last), or a list for the 3 layer groups (encoder_early, encoder_late, head), "
            "got [1e-05, 0.0001, 0.0001, 0.001].",
        ),
        (
            [Stage("a", 1, freeze_to=-4)],
            "stages: a: freeze_to: expected a number from -3 to 2 (encoder_early, encoder_late, head), got -4.",
        ),
    ],
)
def test_recipe_that_cannot_be_run_is_refused(
    model: UNetSegmenter, data: CamVidDataModule, stages: list[Stage], words: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        fill(stages, model, data, "32-true")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "stages: expected at least one, got none."),
        (["a", "b", "a"], "stages: expected a different name for each, got 'a' twice."),
        *(
            ([name], f'stages: expected names of letters, digits, "_", "-" and ".", got {name!r}.')
            for name in ("x/../../escaped", "a/b", "a\\b", "..", ".hidden", "", "two words", "line\n", 5)
        ),
    ],
)
def test_names_that_cannot_be_those_of_files_are_refused(names: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        check_names([Stage(name) for name in names])


def test_plain_words_are_names() -> None:
    check_names([Stage(name) for name in ("head", "128-head", "half_all", "größer", "v1.5")])


def test_first_difference_of_two_recipes_is_named(model: UNetSegmenter, data: CamVidDataModule) -> None:
    before = fill([Stage("a", 1), Stage("b", max_lr="find")], model, data, "32-true")
    a, b = before
    assert first_change(before, list(before)) is None
    assert first_change(before, [b, a]) == "its stages were a, b, now b, a"
    assert first_change(before, [a]) == "its stages were a, b, now a"
    both = [a, replace(b, epochs=2, max_lr=1e-3)]
    assert first_change(before, both) == "epochs of stage b was 1, now 2"
    auto = [a, replace(b, auto_batch_size=True)]
    assert first_change(before, auto) == "auto_batch_size of stage b was False, now True"
    assert first_change(before, [a, replace(b, max_lr=1e-3)]) == "max_lr of stage b was find, now 0.001"


def test_stage_sets_model_and_data(model: UNetSegmenter, data: CamVidDataModule) -> None:
    (stage,) = fill([Stage("a", 1, freeze_to=-1, image_size=(32, 48), augment=True)], model, data, "32-true")
    stage.apply(model, data, [1e-4, 1e-3])
    hparams = [model.hparams[name] for name in ("freeze_to", "max_lr", "pct_start", "weight_decay")]
    assert hparams == [-1, [1e-4, 1e-3], 0.4, 0.02]
    assert (data.image_size, data.batch_size, data.augment) == ((32, 48), 32, True)
    assert model.network is not None
    trains = {name: all(p.requires_grad for p in group) for name, group in model.network.layer_groups().items()}
    assert trains == {"encoder_early": False, "encoder_late": False, "head": True}


def test_data_without_images_have_no_size_of_them(model: UNetSegmenter) -> None:
    texts = IMDBDataModule("nowhere", batch_size=8)
    first, second = fill([Stage("a", 1), Stage("b", batch_size=4)], model, texts, "32-true")
    assert [(one.image_size, one.augment, one.batch_size) for one in (first, second)] == [
        (None, None, 8),
        (None, None, 4),
    ]
    second.apply(model, texts, 1e-3)
    assert texts.batch_size == 4
    assert not hasattr(texts, "image_size")
    with pytest.raises(ValueError, match=r"^stages: a: image_size: IMDBDataModule has none; leave it out.$"):
        fill([Stage("a", 1, image_size=(8, 8))], model, texts, "32-true")
    with pytest.raises(ValueError, match=r"^stages: b: augment: IMDBDataModule has none; leave it out.$"):
        fill([Stage("a", 1), Stage("b", augment=False)], model, texts, "32-true")
