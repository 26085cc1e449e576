"""Every YAML in `configs/` trains, and every recipe can be planned."""

from pathlib import Path
from typing import Any

import pytest
import torch
from corrected import write_corrections
from lightning.pytorch.callbacks import ModelCheckpoint
from small_fit import Case, digest, fit

from triptych.cli import main
from triptych.cli.app import TriptychCLI
from triptych.recipe import run_recipe
from triptych.recipe.stage import fill
from triptych.recipe.state import StageResult
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.layout import checkpoint_of
from triptych.tasks.base import TransferTask

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:lightning.pytorch.cli",  # it calls jsonargparse by an older name
    "ignore::DeprecationWarning:jsonargparse",
)

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
RECIPES = sorted((Path(__file__).parents[1] / "configs" / "recipes").glob("*.yaml"))
CORRECTING = [path for path in RECIPES if path.stem.endswith("_corrections")]
MADE_UP = {
    "camvid": "drawn_streets",
    "biwi": "drawn_portraits",
    "planet": "drawn_tiles",
    "points": "drawn_points",
    "imdb": "drawn_reviews",
    "imdb_language_model": "drawn_reviews",
}
"""The fixture with data for a configuration, by its stem."""


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_trains_one_step_and_keeps_a_checkpoint(
    config: Path, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    root: Path = request.getfixturevalue(MADE_UP[config.stem])
    one = ("max_epochs", "limit_train_batches", "limit_val_batches")
    short = [word for key in one for word in (f"--trainer.{key}", "1")]
    here = ["--data.root", str(root), "--data.num_workers", "0", "--trainer.logger.init_args.save_dir", str(tmp_path)]
    main(["fit", "--config", str(config), *here, *short])
    assert len(list(tmp_path.rglob("best.ckpt"))) == 1
    assert "\nscore: val/" in capsys.readouterr().out


def test_each_task_has_a_recipe_a_quick_one_of_images_one_for_corrections_and_camvid_one_of_an_hour() -> None:
    expected = {f"{task}{kind}" for task in ("biwi", "camvid", "planet") for kind in ("", "_corrections", "_quick")}
    expected |= {f"imdb{task}{kind}" for task in ("", "_language_model") for kind in ("", "_quick")}
    assert {path.stem for path in RECIPES} == {*expected, "camvid_hour"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")
@pytest.mark.parametrize("config", CORRECTING, ids=lambda path: path.stem)
def test_recipe_for_corrections_starts_from_a_checkpoint(
    config: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = config.stem.removesuffix("_corrections")
    root: Path = request.getfixturevalue(MADE_UP[task])
    fit(Case(task, epochs=1), root, tmp_path, [ModelCheckpoint(tmp_path / "run" / "checkpoints")])
    options = {
        "data.root": root,
        "data.corrections": write_corrections(task, tmp_path / "corrections"),
        "data.num_workers": 0,
        "data.image_size": [32, 32],
        "data.valid_size": [32, 32],
        "data.batch_size": 4,
        "ckpt_path": tmp_path / "run",
        "trainer.limit_train_batches": 1,
        "trainer.limit_val_batches": 1,
        "trainer.accelerator": "cpu",
        "trainer.precision": "32-true",
        "trainer.logger.init_args.save_dir": tmp_path,
    }
    at_start: dict[str, torch.Tensor] = {}

    def run(model: TransferTask, *args: Any) -> list[StageResult]:
        at_start.update({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return run_recipe(model, *args)

    monkeypatch.setattr("triptych.cli.trainer.run_recipe", run)
    main(["recipe", "--config", str(config), *(f"--{key}={value}" for key, value in options.items())])
    assert digest(at_start) == digest(read_checkpoint(checkpoint_of(tmp_path / "run"))["state_dict"])
    assert "+ 3 corrections" in caplog.text
    assert len(list((tmp_path / f"{task}-corrections").rglob("1-all.ckpt"))) == 1


@pytest.mark.parametrize("config", [path for path in RECIPES if path not in CORRECTING], ids=lambda path: path.stem)
def test_recipe_is_understood_and_its_stages_can_be_run(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: dict[str, Any] = {}
    monkeypatch.setattr(TriptychCLI, "_run_subcommand", lambda self, subcommand: ran.update(cli=self))
    monkeypatch.setattr(TriptychCLI, "after_recipe", lambda self: None, raising=False)
    given = {"model.encoder_weights": "null", "trainer.accelerator": "cpu", "trainer.precision": "32-true"}
    main(["recipe", "--config", str(config), *(one for name, value in given.items() for one in (f"--{name}", value))])
    cli = ran["cli"]
    cli.model.resolve({"num_classes": 32, "num_labels": 17, "num_categories": 2, "vocab_size": 50})
    cli.model.configure_model()
    asked = cli.config_init.recipe.stages
    stages = fill(asked, cli.model, cli.datamodule, cli.trainer.precision)
    assert [stage.name for stage in stages] == [stage.name for stage in asked]
    assert (cli.config_init.recipe.budget is not None) == config.stem.endswith(("_quick", "_hour"))
    from_nothing = config.stem == "imdb_language_model_quick"
    assert [len(stages) >= 2, stages[0].freeze_to] == ([False, 0] if from_nothing else [True, -1])
    assert {type(callback).__name__ for callback in cli.trainer.callbacks} >= {"ProgressBar", "LearningRateMonitor"}
    assert Path(cli.trainer.log_dir).parts[0] == "runs"
