"""A module that knows nothing of pictures is searched, trained in stages and resumed, with data of any package."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from own_module import Mixed, Plain, Table
from torch import Tensor, nn

from triptych.callbacks import Average, ClassScores, HyperParameters, Mistakes
from triptych.errors import MemoryLimitError
from triptych.lr_finder import find_lr
from triptych.recipe import Stage, run_recipe
from triptych.recipe.state import StageResult
from triptych.runs.checkpoint import best_score

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]

DOC = Path(__file__).parents[2] / "docs" / "own_modules.md"
SETTINGS = {
    **{"accelerator": "cpu", "devices": 1, "log_every_n_steps": 1},
    **{"enable_progress_bar": False, "enable_model_summary": False},
}
STAGES = [Stage("head", epochs=2, freeze_to=-1, max_lr=1e-2), Stage("all", epochs=2, freeze_to=0, max_lr=[1e-3, 1e-2])]


class Killed(BaseException):
    """A kill: it comes from no signal that is saved for."""


class Kill(L.Callback):
    """Kills a fit at a step, counted over all stages, the first time."""

    def __init__(self, step: int) -> None:
        self.left = step

    def on_train_batch_end(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def run(folder: Path, *callbacks: L.Callback, **more: Any) -> tuple[list[StageResult], dict[str, Tensor]]:
    torch.manual_seed(1)
    model = Mixed()
    settings = {**SETTINGS, "callbacks": list(callbacks)}
    results = run_recipe(model, Table(), STAGES, settings, folder, seed=0, **more)
    return results, dict(model.state_dict())


def test_stages_train_the_groups_they_say_and_show_what_was_logged(tmp_path: Path) -> None:
    class Watch(L.Callback):
        def __init__(self) -> None:
            self.trains: list[Any] = []

        def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
            groups = trainer.optimizers[0].param_groups
            self.trains.append({group["name"]: group["params"][0].requires_grad for group in groups})

    with redirect_stdout(io.StringIO()) as printed:
        results, _ = run(tmp_path / "run", watch := Watch())
    assert watch.trains == [{"body": False, "head": True}, {"body": True, "head": True}]
    assert [(one.name, one.steps, one.epochs, one.image_size, one.batch_size) for one in results] == [
        ("head", 10, 2, None, None),
        ("all", 10, 2, None, None),
    ]
    for result in results:
        loss = result.scores["loss"]
        assert result.scores == torch.load(result.checkpoint, weights_only=True)["scores"]
        assert result.scores == pytest.approx({"loss": loss, "val_twice": 2 * loss})
    assert best_score(results[-1].checkpoint) == f"val/loss {loss:.4f}"
    headings = [re.findall(r"\w+", line) for line in printed.getvalue().splitlines() if "stage " in line]
    assert headings[0] == ["stage", "trains", "peak", "rates", "epochs", "steps", "min", "GB"]
    assert "scores of the last weights: loss / val_twice" in printed.getvalue()


@pytest.mark.parametrize("step", [2, 8, 12, 18])
def test_killed_run_goes_on_after_its_last_epoch_and_ends_the_same(tmp_path: Path, step: int) -> None:
    expected, weights = run(tmp_path / "unbroken")
    with pytest.raises(Killed):
        run(tmp_path / "broken", Kill(step))
    results, resumed = run(tmp_path / "broken", resume=True)
    assert [one.scores for one in results] == [one.scores for one in expected]
    torch.testing.assert_close(resumed, weights, rtol=0, atol=0)


def test_callbacks_of_the_package_go_with_it(tmp_path: Path) -> None:
    callbacks = [Average(), ClassScores(), HyperParameters(), Mistakes()]
    with pytest.warns(UserWarning, match="No figures of the training are drawn: expected a TransferTask, got Mixed."):
        results, _ = run(tmp_path / "run", *callbacks)
    assert results[-1].scores["loss"] < results[0].scores["loss"]


def test_batch_norm_of_a_frozen_group_stays_in_evaluation_if_it_does_not_train() -> None:
    model = Mixed(freeze_to=-1, train_bn=False)
    model.configure_model()
    assert [model.train().body[1].training, model.body[0].training] == [False, True]
    model.freeze_to(0)
    assert model.body[1].training
    with pytest.raises(ValueError, match=r"^freeze_to: expected a number from -2 to 1 \(body, head\), got 2.$"):
        model.freeze_to(2)


NOT_OF_TABLES = {"image_size": (8, 8), "batch_size": "auto", "augment": True, "sample_weights": "last"}
REFUSED: dict[str, tuple[Callable[[], list[Any]], str]] = {
    "a plain module": (
        lambda: [Plain(), Table(), STAGES],
        "model: expected a OneCycleTraining, got Plain; subclass triptych.OneCycleTraining instead of LightningModule, "
        "and write layer_groups.",
    ),
    "a loader": (
        lambda: [Mixed(), Table().train_dataloader(), STAGES],
        "data: expected a LightningDataModule, got DataLoader; put it into one.",
    ),
    **{
        name: (
            lambda name=name, value=value: [Mixed(), Table(), [Stage("a", 1, **{name: value})]],  # type: ignore[misc]
            f"stages: a: {name}: Table has none; leave it out.",
        )
        for name, value in {
            "image_size": (8, 8),
            "batch_size": "auto",
            "augment": True,
            "sample_weights": "last",
        }.items()
    },
    "a group that is not there": (
        lambda: [Mixed(), Table(), [Stage("a", 1, freeze_to=2)]],
        "stages: a: freeze_to: expected a number from -2 to 1 (body, head), got 2.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_stages_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    arguments, words = REFUSED[case]
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        run_recipe(*arguments(), SETTINGS, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_memory_that_runs_out_is_reported_in_one_line(tmp_path: Path) -> None:
    class Greedy(Mixed):
        def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with pytest.raises(MemoryLimitError, match=r"^stages: head: out of memory; give the data smaller batches,"):
        run_recipe(Greedy(), Table(), STAGES, SETTINGS, tmp_path / "run")


@pytest.mark.filterwarnings("ignore:.*Skipping val loop:UserWarning")
def test_module_without_a_validation_has_stages_without_scores(tmp_path: Path) -> None:
    class Rows(Table):
        val_dataloader = L.LightningDataModule.val_dataloader

    (result,) = run_recipe(Mixed(), Rows(), STAGES[:1], SETTINGS, tmp_path / "run")
    assert (result.steps, result.scores) == (10, {})


def test_parameter_in_no_group_is_warned_about(tmp_path: Path) -> None:
    class Forgetful(Mixed):
        def layer_groups(self) -> dict[str, list[nn.Parameter]]:
            return {"body": [*self.body.parameters()]}

    with pytest.warns(UserWarning, match=r"^layer_groups: head.weight is in no layer group, so it is not trained.$"):
        find_lr(SETTINGS, Forgetful(), Table(), num_steps=3)


def test_search_leaves_the_frozen_group_and_the_model_as_they_are() -> None:
    model = Mixed(freeze_to=-1, max_lr="find")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    search = find_lr(SETTINGS, model, Table(), num_steps=40)
    assert len(search.losses) > 10
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert model.hparams["max_lr"] == "find"


@pytest.mark.filterwarnings("ignore:.*log_every_n_steps.*:UserWarning")
def test_example_of_the_documentation_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    module, use = re.findall(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    exec(module + use, {"__name__": "own_module"})
    assert {path.name for path in Path("runs/table/checkpoints").iterdir()} == {"1-head.ckpt", "2-all.ckpt"}
    assert "scores of the last weights: loss" in capsys.readouterr().out
