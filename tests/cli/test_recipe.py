"""`triptych recipe`, `lr-find` and a resumed fit; each mistake with them is one line and leaves no files."""

import json
import os
import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from command_line import QUIET, config_args, fails, files, printed_by, runs_in
from lightning.pytorch.loggers.logger import DummyLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from triptych.lr_finder import find_lr
from triptych.recipe.plan import plan_stage
from triptych.tasks.segmentation import UNetSegmenter

pytestmark = QUIET

TINY = {"encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None}
RECIPE: dict[str, Any] = {
    "seed_everything": 0,
    "model": {"class_path": "triptych.UNetSegmenter", "init_args": TINY},
    "data": {"class_path": "triptych.CamVidDataModule", "init_args": {"image_size": [32, 48], "batch_size": 4}},
    "stages": [
        {"name": "head", "freeze_to": -1, "epochs": 2, "max_lr": ["find/10", "find"]},
        {"name": "all", "freeze_to": 0, "epochs": 3, "max_lr": 1e-3},
    ],
    "trainer": {
        "accelerator": "cpu",
        "log_every_n_steps": 1,
        "callbacks": [{"class_path": "triptych.callbacks.ProgressBar"}],
        "logger": {
            "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
            "init_args": {"save_dir": "runs", "name": "tiny"},
        },
    },
}
STEPS = [4, 6]
"""Number of steps in an epoch of each stage: eight frames in batches of four."""
SEARCHED = 12
PLANNING = 2 * 11


@pytest.fixture(autouse=True)
def _short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("triptych.cli.app.find_lr", "triptych.recipe.stage_run.find_lr"):
        monkeypatch.setattr(place, partial(find_lr, start=1e-5, end=0.1, num_steps=SEARCHED))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the command."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def config(root: Path, **changed: Any) -> str:
    """Path of the configuration with other values; None removes a key."""
    content = {key: value for key, value in {**RECIPE, **changed}.items() if value is not None}
    path = Path("..", "recipe.yaml")
    path.write_text(yaml.safe_dump({**content, "data": {**RECIPE["data"], "init_args": data_args(root)}}))
    return str(path)


def data_args(root: Path) -> dict[str, Any]:
    return {**RECIPE["data"]["init_args"], "root": str(root)}


class KilledError(Exception):
    """Simulates a kill."""


def killed(args: list[str], after: int) -> None:
    """Runs the command, and kills it after a number of training batches."""
    seen, step = [0], UNetSegmenter.training_step

    def training_step(self: UNetSegmenter, batch: Any, batch_idx: int) -> torch.Tensor:
        seen[0] += 1
        if seen[0] > after:
            raise KilledError
        return step(self, batch, batch_idx)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(UNetSegmenter, "training_step", training_step)
        printed_by(args)


def weights(path: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return state


def assert_same(left: Path, right: Path) -> None:
    """Two checkpoints have the same weights, bit for bit."""
    torch.testing.assert_close(weights(left), weights(right), rtol=0, atol=0)


@pytest.mark.parametrize("flag", [["--dry-run"], ["--dry_run", "true"]])
def test_dry_run_prints_the_plan_and_writes_nothing(here: Path, drawn_streets: Path, flag: list[str]) -> None:
    printed = printed_by(["recipe", *flag, "--config", config(drawn_streets)])
    assert "in 2 stages" in printed
    assert "find" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert files(here) == set()


@pytest.mark.parametrize("given", ["gone.ckpt", "last"])
def test_recipe_starts_from_no_file_that_does_not_exist(here: Path, drawn_streets: Path, given: str) -> None:
    words = rf"ckpt_path: {given} does not exist; expected a file that `triptych fit` saved, such as .*"
    fails(["recipe", "--config", config(drawn_streets), "--ckpt_path", given], words)
    assert files(here) == set()


@pytest.mark.slow
def test_recipe_is_run_then_killed_and_resumed(here: Path, drawn_streets: Path) -> None:
    args = ["recipe", "--config", config(drawn_streets), "--every_n_steps", "1"]
    printed = printed_by(args)
    score, checkpoint, curves = printed.splitlines()[-3:]
    whole = Path("runs/tiny/version_0")
    results = json.loads((whole / "summary.json").read_text())["stages"]
    value = results[-1]["scores"]["void_masked_accuracy"]
    assert score == f"score: val/void_masked_accuracy {value:.4f} (valid.txt, 4 frames)"
    assert results[-1]["over"] == "valid.txt, 4 frames"
    assert checkpoint == f"checkpoint: {whole / 'checkpoints' / '2-all.ckpt'}"
    assert re.fullmatch(r"curves: \S*tensorboard --logdir runs/tiny", curves)
    assert max(len(line) for line in printed.splitlines() if not line.startswith(("curves", "stage"))) <= 80
    assert printed.count("class by class") == 1
    assert {"checkpoints/1-head.ckpt", "lr_find/1-head/lr_find.png"} <= files(whole)

    last_stage = ["--ckpt_path", str(whole / "checkpoints" / "2-all.ckpt")]
    validated = printed_by(["validate", "--config", config(drawn_streets), *last_stage])
    *_, score_again = re.findall(r"val/void_masked_accuracy +│ +([\d.]+)", validated)
    assert float(score_again) == pytest.approx(results[-1]["scores"]["void_masked_accuracy"])
    nothing = r"predictions: expected a writer, such as triptych\.callbacks\.MaskWriter, got none\."
    fails(["predict", "--config", config(drawn_streets), *last_stage], nothing)
    writer = ["--predictions", "triptych.callbacks.MaskWriter", "--predictions.output_dir", "seen"]
    printed_by(["predict", "--config", config(drawn_streets), *last_stage, *writer])
    assert len(list(Path("seen", "overlays").iterdir())) == 4
    shutil.rmtree("seen")

    killed(args, PLANNING + SEARCHED + STEPS[0] + 3)
    broken = Path("runs/tiny/version_1")
    last = broken / "checkpoints" / "2-all.last.ckpt"
    assert last.with_name(f"before_{last.name}").is_file()
    last.write_bytes(last.read_bytes()[:1000])
    os.utime(whole / "summary.json")
    before = (broken / "checkpoints" / "1-head.ckpt").stat().st_mtime_ns
    printed = printed_by(["recipe", "--resume", *args[1:]])
    assert (broken / "checkpoints" / "1-head.ckpt").stat().st_mtime_ns == before
    assert_same(broken / "checkpoints" / "2-all.ckpt", whole / "checkpoints" / "2-all.ckpt")
    assert printed.splitlines()[-2] == f"checkpoint: {broken / 'checkpoints' / '2-all.ckpt'}"
    assert sorted(path.name for path in Path("runs/tiny").iterdir()) == ["version_0", "version_1"]

    named = "--trainer.logger.init_args.version"
    printed = printed_by([*args, "--resume", named, "version_0"])  # finished: only printed again
    assert printed.splitlines()[-3:-1] == [score, checkpoint]
    changed = config(drawn_streets, stages=[RECIPE["stages"][0], {**RECIPE["stages"][1], "epochs": 4}])
    fails(
        ["recipe", "--config", changed, "--resume"],
        r"runs/tiny/version_0: this run cannot be resumed: epochs of stage all was 3, now 4; start a new one, .*",
    )
    fails(
        [*args, "--resume", named, "gone"],
        r"runs/tiny/gone: expected the folder of a recipe to resume, got none \(no recipe\.json in it\)\.",
    )
    fails([*args, named, "version_1"], r"runs/tiny/version_1: another run is in this folder; resume it, .*")


def test_budget_scales_the_epochs_and_says_so(here: Path, drawn_streets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def minutes(*args: Any) -> Any:
        timing = {
            "seconds_besides": 0.0,
            "seconds_per_epoch": 60.0,
            "seconds_per_validation": 0.0,
            "seconds_after": 0.0,
        }
        return replace(plan_stage(*args), **timing)

    monkeypatch.setattr("triptych.recipe.within_memory.plan_stage", minutes)
    stages = [{"name": "head", "epochs": 2, "freeze_to": -1}, {"name": "all", "epochs": 5, "freeze_to": 0}]
    args = ["recipe", "--config", config(drawn_streets, stages=stages, budget="3.7m"), "--budget"]
    printed = printed_by(args[:-1])
    assert "1 of 2" in printed
    assert "2 of 5" in printed
    assert "budget 3.7m: 2 epochs of head scaled to 1, 5 epochs of all scaled to 2." in printed
    assert "times the planned time: 2 epochs of all scaled to 5." in " ".join(printed.split())
    folder = Path("runs/tiny/version_0")
    results = json.loads((folder / "summary.json").read_text())["stages"]
    assert [result["epochs"] for result in results] == [1, 5]
    assert "budget: 3.7m" in (folder / "config.yaml").read_text()
    kept = ["--config", str(folder / "config.yaml"), "--ckpt_path", str(folder / "checkpoints" / "2-all.ckpt")]
    assert "void_masked_accuracy" in printed_by(["validate", *kept])
    before = files(here)
    fails([*args, "1m"], r"budget: expected at least 2\.\dm for one epoch each, got 1m\.")
    assert files(here) == before


def test_fast_dev_run_trains_a_batch_of_each_stage_and_writes_nothing(
    here: Path, drawn_streets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, step = [0], UNetSegmenter.training_step

    def training_step(self: UNetSegmenter, batch: Any, batch_idx: int) -> torch.Tensor:
        seen[0] += 1
        return step(self, batch, batch_idx)

    monkeypatch.setattr(UNetSegmenter, "training_step", training_step)
    printed = printed_by(["recipe", "--config", config(drawn_streets), "--trainer.fast_dev_run", "true"])
    assert seen == [2]
    assert [line for line in printed.splitlines() if "stage" in line] == [
        "fast dev run of stage head",
        "fast dev run of stage all",
    ]
    assert files(here) == set()


class Elsewhere(DummyLogger):
    """A logger of one's own, without a folder."""


def test_recipe_and_fit_with_a_csv_logger_keep_to_their_folders(here: Path, drawn_streets: Path) -> None:
    loggers = [
        {"class_path": f"{__name__}.Elsewhere"},
        {
            "class_path": "lightning.pytorch.loggers.CSVLogger",
            "init_args": {"save_dir": "runs", "name": "tiny", "version": "csv"},
        },
    ]
    best = {"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": {"monitor": "val/loss"}}
    trainer = {**RECIPE["trainer"], "logger": loggers, "callbacks": [best]}
    stages = [{"name": "head", "epochs": 1, "max_lr": 1e-3}]
    path, folder = config(drawn_streets, stages=stages, trainer=trainer), Path("runs/tiny/csv")
    printed_by(["recipe", "--config", path])
    assert {"metrics.csv", "recipe.json", "config.yaml", "checkpoints/1-head.ckpt"} <= files(folder)
    assert len(list(folder.glob("checkpoints/epoch=*.ckpt"))) == 1
    assert sorted(path.name for path in Path("runs").rglob("*.ckpt")) == sorted(
        path.name for path in folder.glob("checkpoints/*.ckpt")
    )
    printed_by(["recipe", "--config", path, "--resume"])
    fit = ["fit", *config_args("camvid", drawn_streets), *FIT, "--trainer.logger.init_args.name", "tiny"]
    before = files(here)
    fails(
        [*fit, *runs_in(Path("runs"), "csv")],
        r"runs/tiny/csv: expected a folder for a fit, got that of a recipe; name a new one, `.* NAME`\.",
    )
    assert files(here) == before


STAGE = {"name": "head", "epochs": 1}
BAD: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "unknown key": (
        {"stages": [STAGE, {"name": "all", "epoch": 3}]},
        [],
        r"\S+/recipe\.yaml: stages\.epoch: no such option; a stage has name, epochs, freeze_to, .*, cache_features\.",
    ),
    "no name": ({"stages": [{"epochs": 3}]}, [], r"stages\.name: expected a name for each stage, got nothing\."),
    "bad value": (
        {"stages": [{"name": "a", "epochs": "many"}]},
        [],
        r"\S+/recipe\.yaml: stages\.epochs: expected a whole number or null, got many\.",
    ),
    "a size of one side": (
        {"stages": [{"name": "a", "image_size": [32]}]},
        [],
        r"\S+/recipe\.yaml: stages\.image_size: expected a list with 2 elements or null, got \[32\]\.",
    ),
    "a word for a stage": (
        {"stages": ["head"]},
        [],
        r"\S+/recipe\.yaml: stages: expected a mapping, got head\.",
    ),
    "a path as a name": (
        {"stages": [{"name": "a/b", "epochs": 1}]},
        [],
        r'stages: expected names of letters, digits, "_", "-" and "\.", got \'a/b\'\.',
    ),
    "a time for the Trainer": (
        {},
        ["--trainer.max_time", "00:00:10:00"],
        r"trainer\.max_time: expected none in a recipe, got 0:10:00; set the epochs of each stage, .*\.",
    ),
    "empty list": ({"stages": []}, [], r"stages: expected at least one, got none\."),
    "no stages": (
        {"stages": None},
        [],
        r"expected recipe\.stages, got nothing; pass a file .* `--config recipes/camvid`\.",
    ),
    "a stage, not a list": ({"stages": STAGE}, [], r"\S+/recipe\.yaml: stages: expected a list, got .*"),
    "too many groups": (
        {"stages": [{**STAGE, "freeze_to": 3}]},
        [],
        r"stages: head: freeze_to: expected a number from -3 to 2 \(encoder_early, encoder_late, head\), got 3\.",
    ),
    "another word than find": (
        {"stages": [{**STAGE, "max_lr": "fnd"}]},
        [],
        r"stages: head: max_lr: expected a number, .find., .find/N. with a .* above 0, or a list .*, got 'fnd'\.",
    ),
    "nonsense as budget": ({}, ["--budget", "soon"], r"budget: expected a time above 0 .* 1\.5h, got 'soon'\."),
    "budget too short": ({}, ["--budget", "0.001s"], r"budget: expected at least \S+ for one epoch each, got 0s\."),
    "nothing to resume": (
        {},
        ["--resume"],
        r"runs/tiny: expected a run to resume, with recipe\.json in it, found none\.",
    ),
    "nowhere to resume": (
        {"trainer": {"logger": False}},
        ["--resume"],
        r"\S+: expected a run to resume, with recipe\.json in it, found none\.",
    ),
}


@pytest.mark.parametrize("mistake", BAD)
def test_mistake_with_a_recipe_is_reported_in_one_line(here: Path, drawn_streets: Path, mistake: str) -> None:
    changed, more, words = BAD[mistake]
    fails(["recipe", *more, "--config", config(drawn_streets, **changed)], words)
    assert files(here) == set()


FIT = ["--model.encoder", str(TINY["encoder"]), "--model.encoder_weights", "null", "--data.image_size", "[32, 48]"]


def fit_args(root: Path, *more: str) -> list[str]:
    return [*config_args("camvid", root), *FIT, "--data.batch_size", "4", *runs_in(Path("runs")), *more]


def figures(folder: Path) -> list[str]:
    """Names of the figures in TensorBoard."""
    names: list[str] = EventAccumulator(str(folder)).Reload().Tags()["images"]
    return names


def test_lr_find_prints_a_table_and_keeps_the_curve(here: Path, drawn_streets: Path) -> None:
    printed = printed_by(["lr-find", *fit_args(drawn_streets), "--num_steps", "12", "--rule", "minimum"])
    folder = Path("runs/camvid/version_0")
    search = json.loads((folder / "lr_find" / "lr_find.json").read_text())
    assert (search["rule"], len(search["rates"])) == ("minimum", 12)
    assert search["verdict"] in " ".join(printed.split())
    assert "smoothed loss" in printed
    assert printed.splitlines()[-1] == f"curve: {folder / 'lr_find' / 'lr_find.png'}"
    assert (folder / "lr_find" / "lr_find.png").read_bytes().startswith(b"\x89PNG")
    assert figures(folder) == ["lr_find"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--num_steps", "1"], r"num_steps: expected at least 2, got 1\."),
        (["--num_steps", "few"], r"num_steps: expected a whole number, got few\."),
        (
            ["--rule", "deep"],
            r"rule: expected one of 'steep', 'minimum', 'valley', 'slide', 'consensus', 'race', got deep\.",
        ),
        (["--start", "2", "--end", "1"], r"start, end: expected two rates with 0 < start < end, got 2\.0 and 1\.0\."),
    ],
)
def test_bad_value_for_a_search_is_reported_and_leaves_no_run(
    here: Path, drawn_streets: Path, more: list[str], words: str
) -> None:
    fails(["lr-find", *fit_args(drawn_streets), *more], words)
    assert files(here) == set()


def test_fit_finds_its_rate_and_saves_the_number(here: Path, drawn_streets: Path) -> None:
    printed = printed_by(["fit", *fit_args(drawn_streets, "--model.max_lr", "slice(find)")])
    folder = Path("runs/camvid/version_0")
    search = json.loads((folder / "lr_find" / "lr_find.json").read_text())
    assert search["verdict"] in " ".join(printed.split())
    expected = f"slice({search['rate']})"
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["hyper_parameters"]["max_lr"] == expected
    assert yaml.safe_load((folder / "hparams.yaml").read_text())["max_lr"] == expected
    assert "lr_find" in figures(folder)
    by_hand = ["--model.max_lr", str(expected), *runs_in(Path("runs"), "typed")]
    printed_by(["fit", *fit_args(drawn_streets), *by_hand])
    assert_same(folder / "checkpoints" / "last.ckpt", Path("runs/camvid/typed/checkpoints/last.ckpt"))


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("fnd", r"max_lr: expected a number, .find., .find/N. with a .* above 0, or a list or slice .*, got 'fnd'\."),
        (
            "slice(find/0)",
            r"max_lr: expected a number, .find., .find/N. with .* above 0, .*, got 'slice\(find/0\)'\.",
        ),
    ],
)
def test_bad_word_for_a_rate_is_reported_and_leaves_no_run(
    here: Path, drawn_streets: Path, word: str, words: str
) -> None:
    fails(["fit", *fit_args(drawn_streets, "--model.max_lr", word)], words)
    assert files(here) == set()


@pytest.fixture(scope="module")
def half(drawn_streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `runs` of a fit of one epoch with a learning-rate search; a test must not change it."""
    folder = tmp_path_factory.mktemp("half") / "runs"
    more = [*runs_in(folder), "--trainer.max_epochs", "1", "--model.max_lr", "find"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("triptych.cli.app.find_lr", partial(find_lr, start=1e-5, end=0.1, num_steps=SEARCHED))
        printed_by(["fit", *fit_args(drawn_streets), *more])
    return folder


@pytest.fixture
def runs(half: Path, here: Path) -> Path:
    """A copy of it in the working directory."""
    return Path(shutil.copytree(half, here / "runs"))


def test_fit_resumes_in_the_folder_of_the_newest_run(runs: Path, drawn_streets: Path) -> None:
    older = shutil.copytree(runs / "camvid" / "version_0", runs / "camvid" / "older")
    os.utime(older / "checkpoints" / "last.ckpt", (1, 1))
    folder = runs / "camvid" / "version_0"
    found = (folder / "lr_find" / "lr_find.json").stat().st_mtime_ns
    more = ["--ckpt_path", "last", "--trainer.max_epochs", "3", "--model.max_lr", "find"]
    printed = printed_by(["fit", *fit_args(drawn_streets), *more])
    assert "checkpoint: runs/camvid/version_0/checkpoints/best" in printed
    state = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert (state["epoch"], state["global_step"]) == (2, 6)
    assert (folder / "lr_find" / "lr_find.json").stat().st_mtime_ns == found  # the rate was known
    steps = [event.step for event in EventAccumulator(str(folder)).Reload().Scalars("val/mean_iou")]
    assert steps == [1, 3, 5]
    assert sorted(path.name for path in (runs / "camvid").iterdir()) == ["older", "version_0"]


def test_incomplete_checkpoint_names_the_one_before(runs: Path, drawn_streets: Path) -> None:
    last = Path("runs/camvid/version_0/checkpoints/last.ckpt")
    one_before = last.with_name("before_last.ckpt")
    shutil.copy(last, one_before)
    last.write_bytes(last.read_bytes()[:1000])
    before = files(runs)
    fails(
        ["fit", *fit_args(drawn_streets), "--model.max_lr", "find", "--ckpt_path", "last"],
        rf"ckpt_path: {last} is not a checkpoint, or incomplete; the previous one is {one_before}\.",
    )
    assert files(runs) == before
    printed_by(["fit", *fit_args(drawn_streets), "--ckpt_path", str(one_before), *runs_in(Path("runs"), "version_0")])


def test_fit_that_has_nothing_to_resume_says_so(here: Path, drawn_streets: Path) -> None:
    fails(
        ["fit", *fit_args(drawn_streets), "--ckpt_path", "last"],
        r"runs/camvid: expected a run to resume, with checkpoints/last\.ckpt in it, found none\.",
    )
    assert files(here) == set()
