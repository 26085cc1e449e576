"""Every YAML in `configs/` trains, and every recipe can be planned."""

from pathlib import Path
from typing import Any

import pytest

from triptych.cli import main
from triptych.cli.app import TriptychCLI
from triptych.recipe.stage import fill

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:lightning.pytorch.cli",  # it calls jsonargparse by an older name
    "ignore::DeprecationWarning:jsonargparse",
)

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
RECIPES = sorted((Path(__file__).parents[1] / "configs" / "recipes").glob("*.yaml"))
MADE_UP = {
    "camvid": "drawn_streets",
    "biwi": "drawn_portraits",
    "planet": "drawn_tiles",
    "points": "drawn_points",
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


def test_each_task_has_a_recipe_and_a_quick_one() -> None:
    tasks = sorted({*MADE_UP} - {"points"})  # a table of points is no set of the course
    assert [path.stem for path in RECIPES] == [f"{task}{kind}" for task in tasks for kind in ("", "_quick")]


@pytest.mark.parametrize("config", RECIPES, ids=lambda path: path.stem)
def test_recipe_is_understood_and_its_stages_can_be_run(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: dict[str, Any] = {}
    monkeypatch.setattr(TriptychCLI, "_run_subcommand", lambda self, subcommand: ran.update(cli=self))
    monkeypatch.setattr(TriptychCLI, "after_recipe", lambda self: None, raising=False)
    given = {"model.encoder_weights": "null", "trainer.accelerator": "cpu", "trainer.precision": "32-true"}
    main(["recipe", "--config", str(config), *(one for name, value in given.items() for one in (f"--{name}", value))])
    cli = ran["cli"]
    cli.model.resolve({"num_classes": 32, "num_labels": 17})
    cli.model.configure_model()
    asked = cli.config_init.recipe.stages
    stages = fill(asked, cli.model, cli.datamodule, cli.trainer.precision)
    assert [stage.name for stage in stages] == [stage.name for stage in asked]
    assert len(stages) >= 2
    assert cli.config_init.recipe.budget == ("30m" if config.stem.endswith("_quick") else None)
    assert stages[0].freeze_to == -1
    assert {type(callback).__name__ for callback in cli.trainer.callbacks} >= {"ProgressBar", "LearningRateMonitor"}
    assert Path(cli.trainer.log_dir).parts[0] == "runs"
