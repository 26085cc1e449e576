"""Every YAML in `configs/` trains."""

from pathlib import Path

import pytest

from triptych.cli import main

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:lightning.pytorch.cli",  # it calls jsonargparse by an older name
    "ignore::DeprecationWarning:jsonargparse",
)

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
MADE_UP = {"camvid": "drawn_streets", "biwi": "drawn_portraits", "planet": "drawn_tiles"}
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
