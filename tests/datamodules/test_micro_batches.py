"""A fit in micro-batches is, bit for bit, one whose batch and accumulation were given, and counts whole batches."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
from lightning.pytorch.callbacks import GradientAccumulationScheduler
from small_fit import TINY, BreakOff, BrokenOffError, Diary, LittleMemory, differences

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule
from triptych.callbacks import ResumePoint
from triptych.datamodules.base import TriptychDataModule

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]


class Streets(CamVidDataModule):
    """Eight frames in batches of four."""

    def __init__(self, root: str, batch_size: Any = 4, **options: Any) -> None:
        super().__init__(root, (32, 48), batch_size, **options)


class Watch(Diary):
    """Also, the steps after which a validation took place, and of how many batches."""

    def __init__(self) -> None:
        super().__init__()
        self.validated: list[tuple[int, int]] = []

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.validated.append((trainer.global_step, sum(trainer.num_val_batches)))


def fit(
    root: Path, batch_size: Any, callbacks: list[Any], seed: int = 0, ckpt_path: Path | None = None, **settings: Any
) -> tuple[L.Trainer, Streets]:
    L.seed_everything(seed, verbose=False)
    data = Streets(str(root), batch_size, seed=3)
    arguments = {"accelerator": "cpu", "devices": 1, "max_epochs": 2, "logger": False, "num_sanity_val_steps": 0}
    saves = any(isinstance(one, ResumePoint) for one in callbacks)
    quiet = {"enable_checkpointing": saves, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(**{**arguments, **quiet, "callbacks": callbacks, **settings})
    trainer.fit(LittleMemory(**TINY), data, ckpt_path=ckpt_path, weights_only=True)
    return trainer, data


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "plain": ({}, {"accumulate_grad_batches": 2}, 4),
    "accumulated": ({"accumulate_grad_batches": 2}, {"accumulate_grad_batches": 4}, 2),
    "limited": (
        {"limit_train_batches": 1, "limit_val_batches": 1},
        {"limit_train_batches": 2, "limit_val_batches": 2, "accumulate_grad_batches": 2},
        2,
    ),
    "limited to a fraction": (
        {"limit_train_batches": 0.6},
        {"limit_train_batches": 2, "accumulate_grad_batches": 2},
        2,
    ),
    "validated within the epoch": (
        {"val_check_interval": 0.5},
        {"val_check_interval": 2, "accumulate_grad_batches": 2},
        4,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fit_with_auto_is_that_with_the_batch_and_accumulation_which_it_says(
    drawn_streets: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    given, by_hand, steps = CASES[case]
    auto, expected = Watch(), Watch()
    trainer, data = fit(drawn_streets, "auto", [auto], **given)
    assert "batch_size auto: 2 at once, accumulated 2 times to 4 (" in capsys.readouterr().out
    reference, _ = fit(drawn_streets, 2, [expected], **by_hand)
    assert trainer.global_step == reference.global_step == steps
    assert auto.batches == expected.batches and auto.validated == expected.validated
    assert differences(trainer.lightning_module.state_dict(), reference.lightning_module.state_dict()) == set()
    assert (data.batch_size, data.micro_batch_size) == ("auto", 2)
    assert {name: getattr(trainer, name) for name in given} == given
    assert trainer.accumulate_grad_batches == given.get("accumulate_grad_batches", 1)


def test_a_resumed_fit_takes_the_batch_of_the_one_before(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, first, again = Diary(), Diary(), Diary()
    unbroken, _ = fit(drawn_streets, "auto", [whole])
    with pytest.raises(BrokenOffError):
        fit(drawn_streets, "auto", [first, BreakOff("on_train_batch_end", 7), ResumePoint(1, str(tmp_path))])
    monkeypatch.setattr(LittleMemory, "most", 4)
    resumed, data = fit(drawn_streets, "auto", [again], seed=1, ckpt_path=tmp_path / "last.ckpt")
    assert "batch_size auto: 2 of 4 at once, as in the fit that is resumed" in capsys.readouterr().out
    assert whole.batches[-len(again.batches) :] == again.batches
    assert differences(resumed.lightning_module.state_dict(), unbroken.lightning_module.state_dict()) == set()
    assert (data.micro_batches, resumed.accumulate_grad_batches) == (2, 1)


def test_a_trainer_has_its_own_counts_again_after_a_failure(drawn_streets: Path) -> None:
    data = Streets(str(drawn_streets), 4)
    data.micro_batches = 4
    settings = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = L.Trainer(accelerator="cpu", max_epochs=1, limit_train_batches=1, **settings)
    seen: list[int] = []

    class Failing(LittleMemory):
        def on_train_start(self) -> None:
            seen.extend([trainer.accumulate_grad_batches, trainer.limit_train_batches])
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        trainer.fit(Failing(**TINY), data)
    assert seen == [4, 4]
    assert (trainer.accumulate_grad_batches, trainer.limit_train_batches) == (1, 1)


def test_auto_is_the_default_of_the_data_set_until_a_number_is_set() -> None:
    streets = CamVidDataModule("absent", batch_size="auto")
    assert (streets.whole_batch_size, streets.micro_batch_size) == (8, 8)
    assert PlanetDataModule("absent", batch_size="auto").whole_batch_size == 64
    assert BIWIDataModule("absent", batch_size="auto").whole_batch_size == 64
    assert Streets("absent", "auto").whole_batch_size == 4
    streets.micro_batches = 4
    streets.batch_size = 6
    assert (streets.whole_batch_size, streets.micro_batches, streets.micro_batch_size) == (6, 1, 6)


def test_batch_sizes_that_cannot_be_are_refused() -> None:
    for value in (0, "many"):
        with pytest.raises(ValueError, match=rf"^batch_size: expected at least 1, or auto, got {value}\.$"):
            CamVidDataModule("absent", batch_size=value)  # type: ignore[arg-type]
    words = r"^batch_size: expected a number, got auto, and TriptychDataModule has no default for it\.$"
    with pytest.raises(ValueError, match=words):
        _ = TriptychDataModule("absent", "auto").whole_batch_size


def test_a_schedule_of_accumulation_is_refused(drawn_streets: Path) -> None:
    words = r"^batch_size: expected a Trainer that accumulates the same .*, got a GradientAccumulationScheduler; .*"
    with pytest.raises(ValueError, match=words):
        fit(drawn_streets, "auto", [GradientAccumulationScheduler({0: 2})])
