"""Arguments that NumPy computed, and tuples, are those that a file can hold."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_fit import PLAIN, TINY, Case, fit, leaves, trainer_for

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule, Stage, UNetSegmenter, run_recipe
from triptych.callbacks import ResumePoint
from triptych.datasets.sample import Target
from triptych.runs.plain_values import plain

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]

SOURCE = np.array([64, 96])
"""The lesson's `src_size`."""


@pytest.mark.parametrize("size", [SOURCE // 2, tuple(SOURCE // 2), list(SOURCE // 2), (32, np.int32(48))])
def test_the_lessons_half_size_is_a_size(size: Any, drawn_streets: Path) -> None:
    whole = {"num_workers": np.int64(0), "seed": np.uint8(3), "valid_size": size}
    data = CamVidDataModule(str(drawn_streets), size, np.int64(2), **whole)
    assert (data.image_size, data.valid_size) == ((32, 48), (32, 48))
    assert [type(value) for value in (*data.image_size, data.batch_size, data.seed, data.num_workers)] == [int] * 5
    assert json.loads(json.dumps(data.arguments))["image_size"] == [32, 48]


def test_a_mapping_is_plain_in_its_keys_and_values() -> None:
    value = plain({np.uint8(0): (np.float64(0.5), Path("a")), "b": {np.int64(1): None}})
    assert value == {0: [0.5, "a"], "b": {1: None}}
    assert json.loads(json.dumps(value)) == {"0": [0.5, "a"], "b": {"1": None}}


@pytest.mark.parametrize("size", [SOURCE / 2, np.array([[32, 48]]), np.int64(32), (0, 48), "ab", (True, None)])
def test_what_is_no_size_is_reported(size: Any) -> None:
    with pytest.raises(ValueError, match=r"^image_size: expected \(height, width\), two whole numbers above 0, got "):
        CamVidDataModule("anywhere", size)


@pytest.mark.parametrize("batch_size", [np.int64(0), 2.0, "2"])
def test_a_batch_size_is_a_whole_number(batch_size: Any) -> None:
    with pytest.raises(ValueError, match=rf"^batch_size: expected at least 1, or auto, got {batch_size}\.$"):
        CamVidDataModule("anywhere", (32, 48), batch_size)


def test_persons_and_tags_may_be_numbers_and_tuples() -> None:
    assert BIWIDataModule("anywhere", valid_person=np.int64(3)).valid_persons == ["3"]
    assert BIWIDataModule("anywhere", valid_person=("03", np.int64(4))).valid_persons == ["03", "4"]
    assert BIWIDataModule("anywhere", train_persons=np.array([1, 2])).train_persons == ["1", "2"]
    assert PlanetDataModule("anywhere", tags=("clear", "road")).layout["tags"] == ["clear", "road"]


def test_a_tuple_of_names_equals_a_list(drawn_streets: Path, tmp_path: Path) -> None:
    case = Case("camvid", epochs=1)
    data = CamVidDataModule(str(drawn_streets), SOURCE // 2, np.int64(2))
    data.setup("fit")
    names = data.metadata["class_names"]
    given = {
        "num_classes": np.int64(len(names)),
        "class_names": tuple(names),
        "class_weights": np.ones(len(names)),
    }
    model = UNetSegmenter(**given, **TINY)
    trainer = trainer_for(case, tmp_path, [ResumePoint(dirpath=str(tmp_path))])
    trainer.fit(model, data)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["hyper_parameters"]["class_names"] == names
    assert {name: type(value) for name, value in leaves(saved) if type(value) not in PLAIN} == {}


def test_a_recipes_numbers_come_out_of_its_files_as_plain_ones(drawn_streets: Path, tmp_path: Path) -> None:
    size = tuple(SOURCE // 2)
    stages = [Stage("a", np.int64(1), image_size=size, batch_size=np.int64(2), max_lr=np.float64(1e-2))]
    settings = {"accelerator": "cpu", "enable_progress_bar": False, "log_every_n_steps": 1}

    def run(**more: Any) -> Any:
        return run_recipe(
            UNetSegmenter(**TINY), CamVidDataModule(str(drawn_streets), size), stages, settings, tmp_path / "r", **more
        )

    (result,) = run()
    assert json.loads((tmp_path / "r" / "recipe.json").read_text())["stages"][0]["image_size"] == [32, 48]
    assert run(resume=True) == [result]


def test_a_resumed_fit_leaves_no_filter_behind(drawn_tiles: Path, tmp_path: Path) -> None:
    case = Case("planet", epochs=1)
    fit(case, drawn_tiles, tmp_path, [ResumePoint(1, dirpath=str(tmp_path))], max_steps=3)
    before = list(warnings.filters)
    fit(case._replace(epochs=2), drawn_tiles, tmp_path, ckpt_path=tmp_path / "last.ckpt")
    assert warnings.filters == before


def test_other_values_stay_as_they_are() -> None:
    target: Target = "mask"
    kept = object()
    assert plain({"a": kept}) == {"a": kept}
    assert plain([target, None, 1.5]) == ["mask", None, 1.5]
