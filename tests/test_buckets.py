"""A run on a bucket (`memory://`, a bucket in this process): nothing of it lands in a local folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import lightning as L
import pytest
import torch
from command_line import QUIET, config_args, fails, files, printed_by
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from small_fit import TINY

from triptych import MultiLabelClassifier, PlanetDataModule, plot_losses, show_results
from triptych.callbacks import ResumePoint
from triptych.files import as_path
from triptych.recipe import Stage, run_recipe
from triptych.runs.checkpoint import read_checkpoint
from triptych.tasks.load import load_model

pytestmark = [
    QUIET,
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The dirpath has changed:UserWarning"),  # a new run from an older checkpoint
    pytest.mark.filterwarnings("ignore:Checkpoint directory:UserWarning"),  # a logger's version that is taken twice
    pytest.mark.filterwarnings("ignore:Experiment logs directory:UserWarning"),  # CSVLogger's, for its own folder
]

BUCKET = fsspec.filesystem("memory")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working directory and an empty bucket; the working directory is still empty at the end."""
    monkeypatch.chdir(tmp_path)
    BUCKET.store.clear()
    BUCKET.pseudo_dirs[:] = [""]
    yield
    assert files(tmp_path) == set()


def stored(folder: str) -> set[str]:
    """Names of the files in a folder of the bucket."""
    return {path.removeprefix(f"/{folder}/") for path in BUCKET.find(f"/{folder}")}


def made(root: Path) -> tuple[MultiLabelClassifier, PlanetDataModule]:
    return MultiLabelClassifier(**TINY), PlanetDataModule(str(root), image_size=(32, 32), batch_size=8)


def test_a_fit_on_a_bucket_goes_on_there_and_serves_every_command(drawn_tiles: Path, tmp_path: Path) -> None:
    network = ["--model.encoder", TINY["encoder"], "--model.encoder_weights", "null"]
    args = [*config_args("planet", drawn_tiles), *network, "--trainer.logger.init_args.save_dir", "memory://runs"]
    run = "memory://runs/planet/version_0"
    printed = printed_by(["fit", *args, "--trainer.max_epochs", "1", "--model.max_lr", "find"])
    assert f"checkpoint: {run}/checkpoints/best.ckpt" in printed
    there = stored("runs/planet/version_0")
    assert {"config.yaml", "hparams.yaml", "lr_find/lr_find.png", "checkpoints/last.ckpt"} <= there
    more = ["--trainer.max_epochs", "2", "--model.max_lr", "find"]
    printed_by(["fit", *args, *more, "--ckpt_path", "last"])
    assert read_checkpoint(f"{run}/checkpoints/last.ckpt")["epoch"] == 1
    assert read_checkpoint(f"{run}/checkpoints/before_last.ckpt")["epoch"] == 0
    assert BUCKET.ls("/runs/planet", detail=False) == ["/runs/planet/version_0"]
    fails(["fit", *args, *more, "--ckpt_path", "last", "--seed_everything", "5"], f"{run}: seed_everything was 0, .*")
    checkpoint = ["--ckpt_path", f"{run}/checkpoints/best.ckpt"]
    assert "val/f2" in printed_by(["validate", *args, *checkpoint])
    assert f"tags: {run}/predictions/tags.csv" in printed_by(["predict", *args, *checkpoint])
    assert f"report: {run}/report.html" in printed_by(["report", run])
    assert {"predictions/probabilities.csv", "report.html"} <= stored("runs/planet/version_0")
    assert plot_losses(run).axes
    _, data = made(drawn_tiles)
    assert show_results(run, data, rows=1).axes


def test_a_failed_fit_leaves_nothing_on_a_bucket(drawn_tiles: Path) -> None:
    network = ["--model.encoder", TINY["encoder"], "--model.encoder_weights", "null", "--model.num_labels", "3"]
    args = [*config_args("planet", drawn_tiles), *network, "--trainer.logger.init_args.save_dir", "memory://runs"]
    fails(["fit", *args], r"num_labels: the model or its checkpoint has 3, the data 17; .*")
    assert stored("runs") == set()


@pytest.mark.parametrize("dirpath", [None, "memory://points"])
def test_a_script_saves_its_resume_points_on_a_bucket(dirpath: str | None, drawn_tiles: Path) -> None:
    def fit(epochs: int, **options: Any) -> L.Trainer:
        callbacks = [ResumePoint(1, dirpath=dirpath), ModelCheckpoint(monitor="val/loss", filename="best")]
        settings = {"accelerator": "cpu", "max_epochs": epochs, "log_every_n_steps": 1, "enable_progress_bar": False}
        logger = CSVLogger("memory://runs", "csv", version=0) if dirpath else False
        trainer = L.Trainer(**settings, default_root_dir="memory://root", callbacks=callbacks, logger=logger)
        trainer.fit(*made(drawn_tiles), **options)
        return trainer

    folder = "points" if dirpath else "root/version_0/checkpoints"
    fit(1)
    assert {"last.ckpt", "before_last.ckpt"} <= stored(folder)
    best = "runs/csv/version_0/checkpoints" if dirpath else folder
    assert "best.ckpt" in stored(best)
    if dirpath is None:
        assert load_model("memory://root/version_0").hparams["num_labels"] == 17
    if dirpath is not None:
        with pytest.raises(
            FileExistsError, match=r"^memory://points/last\.ckpt: expected no checkpoint of another run"
        ):
            fit(1)
    trainer = fit(2, ckpt_path=f"memory://{folder}/last.ckpt")
    assert trainer.current_epoch == 2


class StopError(Exception):
    """Breaks a recipe off."""


def test_a_recipe_on_a_bucket_resumes_there_to_the_same_weights(drawn_tiles: Path) -> None:
    class Stop(L.Callback):
        def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
            if trainer.global_step == 2 and pl_module.hparams["freeze_to"] == 0:
                raise StopError

    def recipe(name: str, *callbacks: L.Callback, resume: bool = False) -> dict[str, torch.Tensor]:
        model, data = made(drawn_tiles)
        stages = [
            Stage("head", 1, freeze_to=-1, max_lr="find"),
            Stage("all", freeze_to=0, max_lr=1e-3, sample_weights="last"),
        ]
        settings = {
            "accelerator": "cpu",
            "enable_progress_bar": False,
            "callbacks": list(callbacks),
            "log_every_n_steps": 1,
        }
        run_recipe(model, data, stages, settings, f"memory://recipes/{name}", resume, every_n_steps=1, seed=0)
        return model.state_dict()

    whole = recipe("whole")
    with pytest.raises(StopError):
        recipe("broken", Stop())
    assert "checkpoints/2-all.last.ckpt" in stored("recipes/broken")
    torch.testing.assert_close(recipe("broken", resume=True), whole, rtol=0, atol=0)
    there = stored("recipes/broken")
    assert {"recipe.json", "summary.json", "hard_examples/2-all.csv", "lr_find/1-head/lr_find.json"} <= there
    assert {name for name in there if name.endswith(".ckpt")} == {"checkpoints/1-head.ckpt", "checkpoints/2-all.ckpt"}
    assert json.loads(as_path("memory://recipes/broken/summary.json").read_text())["stages"][1]["name"] == "all"


def test_a_bucket_that_cannot_be_opened_is_refused_in_one_line(drawn_tiles: Path) -> None:
    reasons = {"s3://bucket/runs": "Install s3fs to access S3", "nowhere://runs": "Unsupported filesystem: 'nowhere'"}
    for url, reason in reasons.items():
        with pytest.raises(ValueError, match=f"^{url}: expected a path, or a bucket that fsspec can open; {reason}"):
            as_path(url)
    args = [*config_args("planet", drawn_tiles), "--trainer.logger.init_args.save_dir", "s3://bucket/runs"]
    fails(["fit", *args], ".*Install s3fs to access S3.*")


@pytest.mark.parametrize("command", [["make-data", "camvid"], ["configs"]])
def test_data_and_configurations_are_refused_a_bucket(command: list[str]) -> None:
    fails(
        [*command, "memory://data"],
        r"expected a folder of this machine, got memory://data; copy the new one to the bucket\.",
    )
    with pytest.raises(
        ValueError, match=r"^root: expected a folder of this machine, got memory://data; copy the data here"
    ):
        PlanetDataModule("memory://data", (32, 32), 8)
