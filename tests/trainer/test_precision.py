"""The precision `auto` is the faster one on the model itself; a checkpoint is evaluated in its own."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small_fit import Case, data_of, model_of
from torch import Tensor

from triptych.trainer import precision
from triptych.trainer.precision import evaluation_precision, fastest_precision

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")

ON_CPU = {"accelerator": "cpu", "devices": 1, "accumulate_grad_batches": 4}


class Clock:
    """A clock that each forward pass moves on: by `full` seconds in 32 bits, by `half` in bfloat16."""

    def __init__(self, full: float, half: float) -> None:
        self.seconds = {False: full, True: half}
        self.now = 0.0
        self.passes: list[tuple[bool, int]] = []

    def __call__(self) -> float:
        return self.now

    def forward(self, module: Any, inputs: tuple[Tensor, ...]) -> None:
        is_half = torch.is_autocast_enabled("cpu")
        self.passes.append((is_half, len(inputs[0])))
        self.now += self.seconds[is_half]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that would be printed."""
    words: list[str] = []
    monkeypatch.setattr(precision, "rank_zero_info", words.append)
    return words


def timed(monkeypatch: pytest.MonkeyPatch, model: Any, full: float, half: float) -> Clock:
    clock = Clock(full, half)
    monkeypatch.setattr(precision, "_now", clock)
    monkeypatch.setattr(precision.time, "perf_counter", clock)
    model.register_forward_pre_hook(clock.forward)
    return clock


@pytest.mark.parametrize(
    ("half", "fastest", "rounds"), [(0.2, "bf16-mixed", 1), (0.3, "bf16-mixed", 2), (0.75, "32-true", 2)]
)
def test_the_faster_precision_is_taken_after_three_steps_in_each_or_six_if_they_are_close(
    drawn_tiles: Path, monkeypatch: pytest.MonkeyPatch, printed: list[str], half: float, fastest: str, rounds: int
) -> None:
    model, data = model_of(Case()), data_of(Case(), drawn_tiles)
    clock = timed(monkeypatch, model, 0.5, half)
    assert fastest_precision(ON_CPU, model, data) == fastest
    assert clock.passes == ([(False, 5)] * 3 + [(True, 5)] * 3) * rounds  # a whole batch, and no accumulation
    assert printed == [f"precision: {fastest}, since a trial step takes 0.50 s in 32-true, {half:.2f} s in bf16-mixed."]
    assert data.batch_size == 5


@pytest.mark.parametrize(("side", "images"), [(128, 16), (256, 4), (512, 2)])
def test_a_batch_of_a_trial_has_few_large_images_or_many_small_ones(
    drawn_tiles: Path, monkeypatch: pytest.MonkeyPatch, printed: list[str], side: int, images: int
) -> None:
    model, data = model_of(Case()), data_of(Case(), drawn_tiles)
    data.image_size, data.batch_size = (side, side), 20
    clock = timed(monkeypatch, model, 0.5, 0.25)
    fastest_precision(ON_CPU, model, data)
    assert max(count for _, count in clock.passes) == images
    assert data.batch_size == 20


@pytest.mark.parametrize(("image_size", "samples"), [(256, 4), ([256, 128], 8), (None, 20)])
def test_a_data_module_of_ones_own_names_the_size_of_its_images_as_it_likes(
    monkeypatch: pytest.MonkeyPatch, printed: list[str], image_size: Any, samples: int
) -> None:
    own, tried = SimpleNamespace(batch_size=20, image_size=image_size), []
    monkeypatch.setattr(precision, "temporary_fit", lambda *_: tried.append(own.batch_size))
    fastest_precision(ON_CPU, model_of(Case()), own)
    assert {*tried} == {samples}
    assert own.batch_size == 20


def test_texts_are_tried_in_batches_large_enough_to_tell_the_precisions_apart(
    drawn_reviews: Path, monkeypatch: pytest.MonkeyPatch, printed: list[str]
) -> None:
    model, data = model_of(Case("imdb")), data_of(Case("imdb"), drawn_reviews)
    data.batch_size = 36
    clock = timed(monkeypatch, model, 0.5, 0.25)
    fastest_precision(ON_CPU, model, data)
    assert max(count for _, count in clock.passes) == 32


def test_a_precision_that_is_many_times_slower_is_tried_once(
    drawn_tiles: Path, monkeypatch: pytest.MonkeyPatch, printed: list[str]
) -> None:
    model = model_of(Case())
    clock = timed(monkeypatch, model, 0.5, 6.0)
    assert fastest_precision(ON_CPU, model, data_of(Case(), drawn_tiles)) == "32-true"
    assert [is_half for is_half, _ in clock.passes] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("disturbed", "seconds"), [((2, 5), 6.0), ((4, 5, 6), 0.3)], ids=["a step of each", "a whole trial"]
)
def test_other_work_that_disturbs_a_step_or_a_trial_decides_nothing(
    drawn_tiles: Path,
    monkeypatch: pytest.MonkeyPatch,
    printed: list[str],
    disturbed: tuple[int, ...],
    seconds: float,
) -> None:
    model = model_of(Case())
    clock = timed(monkeypatch, model, 0.5, 0.3)

    def disturb(*_: Any) -> None:
        clock.now += seconds * (len(clock.passes) in disturbed)

    model.register_forward_pre_hook(disturb)
    assert fastest_precision(ON_CPU, model, data_of(Case(), drawn_tiles)) == "bf16-mixed"


@pytest.mark.parametrize(("has_bfloat16", "mixed"), [(True, "bf16-mixed"), (False, "16-mixed")])
def test_a_gpu_without_bfloat16_is_tried_in_float16(
    monkeypatch: pytest.MonkeyPatch, printed: list[str], has_bfloat16: bool, mixed: str
) -> None:
    tried = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bfloat16)
    monkeypatch.setattr(precision, "temporary_fit", lambda settings, *_: tried.append(settings["precision"]))
    fastest_precision({"accelerator": "auto"}, model_of(Case()), None)
    assert tried == ["32-true", mixed] * 2


@pytest.mark.parametrize(
    ("trained", "half", "evaluated"),
    [
        ("bf16-mixed", 0.7, "bf16-mixed"),
        ("bf16-mixed", 0.8, "32-true"),
        ("16-mixed", 0.1, "32-true"),
        ("64-true", 0.1, "64-true"),
        (None, 0.1, "32-true"),
    ],
)
def test_a_checkpoint_is_evaluated_in_its_own_precision_unless_that_is_slow_here(
    monkeypatch: pytest.MonkeyPatch, printed: list[str], trained: str | None, half: float, evaluated: str
) -> None:
    model = model_of(Case("biwi"))
    timed(monkeypatch, model, 0.5, half)
    checkpoint = {"environment": {} if trained is None else {"precision": trained}}
    assert evaluation_precision(checkpoint, model, "cpu") == evaluated
    slow = f"precision: 32-true, since the checkpoint's {trained} is slow on this machine."
    assert printed == ([] if trained in (evaluated, None) else [slow])
