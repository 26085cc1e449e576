"""`triptych` from fit to predictions; each mistake of a user is one line and leaves no files."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import CONFIGS, QUIET, Run, config_args, fails, files, finished_fit, printed_by, runs_in
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from triptych import UNetSegmenter
from triptych.cli import main
from triptych.cli.app import TriptychCLI
from triptych.cli.entry import TRAINING
from triptych.cli.resume import resuming_command
from triptych.datasets.camvid_classes import OFFICIAL_NAMES, class_colors
from triptych.errors import UsageError, one_line
from triptych.runs.plain_yaml import read_yaml

pytestmark = QUIET

CONFIG = CONFIGS / "camvid.yaml"
SCORE = "val/void_masked_accuracy"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, drawn_streets: Path) -> Run:
    return finished_fit("camvid", drawn_streets, tmp_path_factory.mktemp("runs"))


def test_fit_leaves_best_and_last_checkpoint_its_config_and_one_event_file(run: Run) -> None:
    there = {re.sub(r"tfevents.*", "tfevents", name) for name in files(run.folder)}
    assert there == {
        *("checkpoints", "checkpoints/best.ckpt", "checkpoints/last.ckpt", "checkpoints/before_last.ckpt"),
        *("config.yaml", "hparams.yaml", "events.out.tfevents"),
    }
    assert "encoder: timm-tf_efficientnet_lite0" in (run.folder / "config.yaml").read_text()


def test_fit_writes_each_curve_under_its_name(run: Run) -> None:
    events = EventAccumulator(str(run.folder)).Reload()
    groups = ("encoder_early", "encoder_late", "head")
    wanted = {"train/loss", "val/loss", SCORE, "val/mean_iou"}
    wanted |= {f"lr-AdamW/{group}{kind}" for group in groups for kind in ("", "-momentum")}
    assert wanted <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars(SCORE)] == [3, 7]


def test_fit_closes_with_score_checkpoint_and_tensorboard_command(run: Run) -> None:
    score, checkpoint, curves = run.printed.splitlines()[-3:]
    assert score == f"score: {SCORE} {best_score(run):.4f} (valid.txt, 4 frames)"
    assert checkpoint == f"checkpoint: {run.best}"
    assert re.fullmatch(rf"curves: \S*tensorboard --logdir {run.folder.parent}", curves)


def test_fit_prints_where_it_ends_then_the_table_once(run: Run) -> None:
    assert re.search(rf"^epoch 2 of 2, train/loss: \d\.\d{{3}}, {SCORE}: \d\.\d{{3}}; ", run.printed, re.MULTILINE)
    assert run.printed.count("class by class") == 1
    assert run.printed.index("epoch 2 of 2") < run.printed.index("class by class")
    assert max(len(line) for line in run.printed.split("score:")[0].splitlines()) <= 80


def test_checkpoint_holds_what_the_data_gave_and_loads_without_them(run: Run) -> None:
    hparams = torch.load(run.best, weights_only=True)["hyper_parameters"]
    assert (hparams["num_classes"], hparams["ignore_index"]) == (32, OFFICIAL_NAMES.index("Void"))
    assert (tuple(hparams["class_names"]), hparams["encoder_weights"]) == (OFFICIAL_NAMES, None)


def test_an_automatic_precision_is_found_once_and_kept_for_all_that_follows(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr("triptych.cli.app.fastest_precision", lambda *_: calls.append(1) or "bf16-mixed")
    run = finished_fit("camvid", drawn_streets, tmp_path, "--trainer.precision", "auto")
    assert "precision: bf16-mixed\n" in (run.folder / "config.yaml").read_text()
    assert torch.load(run.best, weights_only=True)["environment"]["precision"] == "bf16-mixed"
    monkeypatch.setattr("triptych.cli.app.evaluation_precision", lambda state, *_: state["environment"]["precision"])
    *_, found = re.findall(rf"{SCORE} +│ +([\d.]+)", run.call("validate", "--trainer.precision", "auto"))
    assert float(found) == pytest.approx(best_score(run), abs=1e-7)
    resumed = ["--trainer.precision", "auto", "--trainer.max_epochs", "3", "--ckpt_path", "last"]
    main(["fit", *run.args, *runs_in(run.folder.parents[1], run.folder.name), *resumed])
    assert (
        torch.load(run.folder / "checkpoints/last.ckpt", weights_only=True)["environment"]["precision"] == "bf16-mixed"
    )
    assert calls == [1]


def test_a_stopped_fit_says_the_command_that_goes_on_and_leaves_nothing_before_its_first_step(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    args = [*config_args("camvid", drawn_streets), *runs_in(tmp_path)]
    step, calls, at = UNetSegmenter.training_step, [0], [3]

    def kicked(self: UNetSegmenter, *batch: object) -> torch.Tensor:
        calls[0] += 1
        if calls[0] == at[0]:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *batch)

    monkeypatch.setattr(UNetSegmenter, "training_step", kicked)
    with pytest.raises(SystemExit, match="143"):
        main(["fit", *args])
    command = shlex.join(["triptych", "fit", *args, "--ckpt_path", "last"])
    assert capsys.readouterr().err.splitlines()[-1] == f"stopped by SIGTERM after step 3; go on with: {command}."
    main(shlex.split(command)[1:])
    assert calls == [8] and [path.name for path in (tmp_path / "camvid").iterdir()] == ["version_0"]

    monkeypatch.setattr(UNetSegmenter, "validation_step", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(SystemExit, match="130"):
        main(["fit", *args])
    assert capsys.readouterr().err.splitlines()[-1] == "stopped by SIGINT after step 0; nothing was saved."
    assert [path.name for path in (tmp_path / "camvid").iterdir()] == ["version_0"]


@pytest.mark.parametrize(
    ("typed", "goes_on"),
    [
        ("fit --config a.yaml", "fit --config a.yaml --ckpt_path last"),
        ("fit --ckpt_path x.ckpt --config a.yaml", "fit --config a.yaml --ckpt_path last"),
        ("fit --ckpt_path=x.ckpt --config a.yaml", "fit --config a.yaml --ckpt_path last"),
        ("recipe --config 'a b.yaml' --budget 20m", "recipe --config 'a b.yaml' --budget 20m --resume"),
        ("recipe --resume --config a.yaml", "recipe --resume --config a.yaml"),
    ],
)
def test_the_command_that_goes_on_is_the_one_that_was_typed_with_the_point_to_go_on_from(
    typed: str, goes_on: str
) -> None:
    assert resuming_command(shlex.split(typed)) == f"triptych {goes_on}"


def best_score(run: Run) -> float:
    (score,) = (
        state["best_model_score"]
        for state in torch.load(run.best, weights_only=True)["callbacks"].values()
        if "best_model_score" in state
    )
    return float(score)


@pytest.mark.parametrize(("subcommand", "split"), [("validate", "val"), ("test", "test")])
def test_scoring_best_checkpoint_repeats_its_score_and_makes_no_new_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subcommand: str, split: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = files(run.folder.parent)
    printed = run.call(subcommand)
    *_, found = re.findall(rf"{split}/void_masked_accuracy +│ +([\d.]+)", printed)
    assert float(found) == pytest.approx(best_score(run), abs=1e-6)
    assert f"{split} (valid.txt, 4 frames)" in printed
    assert printed.count("class by class") == 1
    assert files(run.folder.parent) == before
    assert files(tmp_path) == set()


def test_a_loss_of_the_command_line_is_in_the_configuration_and_the_checkpoint_of_its_run(
    drawn_streets: Path, tmp_path: Path
) -> None:
    chosen = ["cross_entropy", {"name": "dice", "weight": 0.5}]
    arguments = [*config_args("camvid", drawn_streets), "--trainer.max_epochs", "1", *runs_in(tmp_path, "run")]
    printed = printed_by(["fit", *arguments, "--model.loss", str(chosen)])
    folder = tmp_path / "camvid" / "run"
    assert read_yaml(folder / "config.yaml")["model"]["init_args"]["loss"] == chosen
    best = folder / "checkpoints" / "best.ckpt"
    assert torch.load(best, weights_only=True)["hyper_parameters"]["loss"] == chosen
    run = Run("camvid", folder, printed, drawn_streets)
    (of_fit,) = EventAccumulator(str(folder)).Reload().Scalars("val/loss")
    found = re.search(r"val/loss +│ +([\d.]+)", run.call("validate"))
    assert found is not None
    assert float(found[1]) == pytest.approx(of_fit.value, rel=1e-5)


def test_predict_draws_each_validation_frame_beside_its_checkpoint(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = run.call("predict")
    folder = run.folder / "predictions"
    frames = (run.root / "valid.txt").read_text().split()
    for kind in ("masks", "overlays"):
        assert sorted(path.name for path in (folder / kind).iterdir()) == sorted(frames)
    for frame in frames:
        assert_mask_and_overlay(folder, frame, (96, 64))
    assert f"score: {SCORE} {best_score(run):.4f}" in printed
    assert f"pictures: {folder / 'overlays'}\nmasks: {folder / 'masks'}\n" in printed
    assert len(list(run.folder.parent.rglob("events.*"))) == 1
    assert files(tmp_path) == set()


def assert_mask_and_overlay(folder: Path, name: str, size: tuple[int, int]) -> None:
    with Image.open(folder / "masks" / name) as mask, Image.open(folder / "overlays" / name) as drawn:
        assert (mask.size, mask.mode) == (size, "P")
        assert (mask.getpalette() or [])[: 3 * 32] == class_colors(OFFICIAL_NAMES).flatten().tolist()
        assert int(np.array(mask).max()) < 32
        assert drawn.width > size[0]
        assert drawn.height >= size[1]


def picture(path: Path, size: tuple[int, int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)).save(path)
    return path


def test_predict_takes_a_folder_of_mixed_sizes_without_the_data(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.jpg", (50, 70))
    picture(tmp_path / "in" / "b.PNG", (64, 96))
    out = predicted(run, tmp_path, tmp_path / "in")
    assert {path.name for path in (out / "masks").iterdir()} == {"a.png", "b.png"}
    assert_mask_and_overlay(out, "a.png", (70, 50))
    assert_mask_and_overlay(out, "b.png", (96, 64))


def test_predict_takes_one_file_of_another_size(run: Run, tmp_path: Path) -> None:
    out = predicted(run, tmp_path, picture(tmp_path / "one.jpg", (50, 70)))
    assert_mask_and_overlay(out, "one.png", (70, 50))


def test_predict_takes_a_list_and_keeps_the_subfolders_of_what_is_listed(run: Run, tmp_path: Path) -> None:
    relative, absolute = picture(tmp_path / "a" / "x.png", (40, 60)), picture(tmp_path / "b" / "x.png", (60, 40))
    paths = tmp_path / "list.txt"
    paths.write_text(f"{relative.relative_to(tmp_path)}\n\n{absolute}\n")
    out = predicted(run, tmp_path, paths)
    assert_mask_and_overlay(out, "a/x.png", (60, 40))
    assert_mask_and_overlay(out, "b/x.png", (40, 60))


def predicted(run: Run, tmp_path: Path, path: Path) -> Path:
    """Folder of the predictions for the images at `path`."""
    out = tmp_path / "out"
    run.predict(path, out)
    return out


@pytest.mark.parametrize("subcommand", ["fit", "validate", "test", "predict"])
@pytest.mark.parametrize("named", [{"_class_path": "a_trap.Thing"}, {"class_path": "a_trap.Thing"}])
def test_a_checkpoint_that_names_a_class_of_its_own_is_refused_without_importing_it(
    run: Run, tmp_path: Path, trap: str, subcommand: str, named: dict[str, str]
) -> None:
    torch.save({**torch.load(run.best, weights_only=True), "hyper_parameters": named}, tmp_path / "a.ckpt")
    words = rf".*/a\.ckpt: hyper_parameters\.{next(iter(named))}: expected a loaded subclass of .*, got {trap}; .*"
    fails([subcommand, *run.args, *runs_in(tmp_path), "--ckpt_path", str(tmp_path / "a.ckpt")], words)
    assert files(tmp_path) == {"a.ckpt", "trap", "trap/a_trap.py"}


def train_frames(root: Path) -> list[str]:
    held_out = (root / "valid.txt").read_text().split()
    return sorted(path.name for path in (root / "images").iterdir() if path.name not in held_out)


def first_mask(root: Path) -> Path:
    return root / "labels" / train_frames(root)[0].replace(".png", "_P.png")


def redraw(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    with Image.open(path) as mask:
        ids = np.array(mask)
    Image.fromarray(change(ids)).save(path)


def give_id_40(root: Path) -> None:
    redraw(first_mask(root), lambda ids: np.full_like(ids, 40))


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


IN_MASK = r"\S+/labels/\w+_P\.png: "
ID_40 = r"expected class ids 0 to 31 \(.* 32 classes\) or 255 for void, got id 40; .*"
DATA_MISTAKES: dict[str, tuple[Callable[[Path], object], str, list[str]]] = {
    "no folder": (shutil.rmtree, r"\S+/streets: no such folder; expected images/, labels/ and codes\.txt .*", []),
    "no codes": (
        lambda root: (root / "codes.txt").unlink(),
        r"\S+/codes\.txt: no such file; expected one class .*",
        [],
    ),
    "no valid list": (lambda root: (root / "valid.txt").unlink(), r"\S+/valid\.txt: no such file; expected .*", []),
    "listed frame absent": (
        lambda root: (root / "valid.txt").write_text("nope.png\n"),
        r"\S+/valid\.txt: 1 of 1 lines name no frame; the first is 'nope\.png' in line 1; expected names such as .*",
        [],
    ),
    "no mask": (
        lambda root: first_mask(root).unlink(),
        r"camvid: 1 of 8 frames have no mask; the first is \S+\.png \(expected \S+_P\.png\); add the masks, .*",
        [],
    ),
    "mask of another size": (
        lambda root: redraw(first_mask(root), lambda ids: ids[:-1]),
        IN_MASK + r"expected the size of its frame, 96x64, got 96x63 \(width x height\)\.",
        [],
    ),
    "mask of colours": (
        lambda root: redraw(first_mask(root), lambda ids: np.stack([ids] * 3, -1)),
        IN_MASK + r"expected a mask of class ids, got colours, .*; save the ids, as in the other 7 masks\.",
        [],
    ),
    "unknown id": (give_id_40, IN_MASK + ID_40, []),
    "label_name of another kind": (
        lambda root: root,
        r"label_name takes \{stem\} and \{suffix\}, got \{name\} in '\{name\}\.png'; .*",
        ["--data.label_name", "{name}.png"],
    ),
    "frame cut off": (
        lambda root: cut_off(root / "images" / train_frames(root)[0]),
        r"\S+/images/\w+\.png: expected a whole PNG, but the file is cut off; copy it again\.",
        [],
    ),
    "mask cut off": (
        lambda root: cut_off(first_mask(root)),
        IN_MASK + r"expected a whole PNG, but the file is cut off; copy it again\.",
        [],
    ),
    "nothing to train on": (
        lambda root: (root / "valid.txt").write_text("\n".join(path.name for path in (root / "images").iterdir())),
        r"camvid: no frames are left to train on: \S+/valid\.txt names all 12 of them; .*",
        [],
    ),
    "nothing to validate": (
        lambda root: (root / "valid.txt").write_text("\n"),
        r"camvid: \S+/valid\.txt names no frames; expected one file name per line\.",
        [],
    ),
}


@pytest.mark.parametrize("mistake", DATA_MISTAKES)
def test_mistake_in_the_data_is_reported_in_one_line_and_leaves_no_run(
    streets: Path, tmp_path: Path, mistake: str
) -> None:
    break_it, words, more = DATA_MISTAKES[mistake]
    break_it(streets)
    before = files(tmp_path)
    fails(["fit", *config_args("camvid", streets), *runs_in(tmp_path / "runs"), *more], words)
    assert files(tmp_path) == before


def test_an_id_that_the_sample_of_masks_missed_is_reported_by_a_worker_in_one_line(
    streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triptych.datasets.mask_checks._MASKS", 1)
    give_id_40(streets)
    # all training frames in one batch, so that the first step reads the bad one
    more = ["--data.batch_size", "8", "--data.num_workers", "1", *runs_in(tmp_path / "runs")]
    fails(["fit", *config_args("camvid", streets), *more], IN_MASK + ID_40)


NO_OPTION = "no such option; `triptych fit --{}help{}` lists the available ones\\."
TYPOS = {
    "data": ("batch_size:", "batchsize:", r"\S+c\.yaml: data\.batchsize: " + NO_OPTION.format("data.", " CLASS")),
    "model": ("encoder:", "encodr:", r"\S+c\.yaml: model\.encodr: " + NO_OPTION.format("model.", " CLASS")),
    "trainer": ("max_epochs:", "max_epoch:", r"trainer\.max_epoch: " + NO_OPTION.format("", "")),
    "callback": (
        "filename:",
        "file_name:",
        r"\S+c\.yaml: trainer\.callbacks\.file_name: " + NO_OPTION.format("trainer.callbacks.", " CLASS"),
    ),
    "top": ("seed_everything:", "seed_evrything:", r"seed_evrything: " + NO_OPTION.format("", "")),
    "class": (
        "triptych.UNetSegmenter",
        "triptych.UNetSegmentr",
        r"\S+c\.yaml: model: class_path triptych\.UNetSegmentr cannot be imported, .* no attribute 'UNetSegmentr'\.",
    ),
    "class of another kind": (
        "triptych.UNetSegmenter",
        "triptych.CamVidDataModule",
        r"\S+c\.yaml: model: expected a subclass of LightningModule, got triptych\.CamVidDataModule\.",
    ),
    "bracket": (
        "[192, 256]",
        "[192, 256",
        r"\S+c\.yaml: expected YAML, but it cannot be read, .* line (\d+), column .* expected ',' or '\]' .*",
    ),
    "tab": ("  max_epochs", "\tmax_epochs", r"\S+c\.yaml: expected YAML, .* cannot start any token at line \d+, .*"),
    "value": (
        "num_workers: 1",
        "num_workers: many",
        r"\S+c\.yaml: data\.num_workers: expected a whole number, got many\.",
    ),
}


@pytest.mark.parametrize("typo", TYPOS)
def test_typo_in_the_yaml_is_reported_by_file_and_key(drawn_streets: Path, tmp_path: Path, typo: str) -> None:
    right, wrong, words = TYPOS[typo]
    text = CONFIG.read_text()
    assert right in text
    (tmp_path / "c.yaml").write_text(text.replace(right, wrong))
    fails(["fit", "--config", str(tmp_path / "c.yaml"), "--data.root", str(drawn_streets)], words)


BAD_VALUES = [
    ("--data.image_size", "[0, 96]", r"image_size: expected \(height, width\), two whole .* above 0, got \(0, 96\)\."),
    ("--data.image_size", "96", r"data\.image_size: expected a list, got 96\."),
    ("--data.image_size", "[64, 96, 3]", r"data\.image_size: expected a list with 2 elements, got \[64, 96, 3\]\."),
    ("--data.batch_size", "0", r"batch_size: expected at least 1, or auto, got 0\."),
    ("--data.batch_size", "many", r"data\.batch_size: expected a whole number or 'auto', got many\."),
    ("--data.classes", "12", r"data\.classes: expected one of 'all', '11', got 12\."),
    ("--model.num_classes", "11", r"num_classes: the model or its checkpoint has 11, the data 32; .*"),
    ("--model.num_classes", "many", r"model\.num_classes: expected a whole number or null, got many\."),
    ("--model.encoder", "resnet35", r"encoder: .* 'resnet35'; similar names are .*resnet34.*"),
    ("--model.max_lr", "-1", r"max_lr: expected a number above 0 or a pair .*, got -1\.0\."),
    ("--model.loss", "dize", r"loss: expected one of cross_entropy, focal, dice, lovasz, tversky, got 'dize'\."),
    ("--model.loss", "{name: focal, gama: 2}", r"loss: expected weight or gamma as argument of focal, got gama\."),
    ("--trainer.precision", "17", r"trainer\.precision: expected .*'bf16-mixed'.* or null, got 17\."),
    ("--data.imagesize", "[64, 96]", r"data\.imagesize: " + NO_OPTION.format("data.", " CLASS")),
    ("--epochs", "3", r"unrecognized arguments: --epochs 3"),
]


@pytest.mark.parametrize(("key", "value", "words"), BAD_VALUES, ids=[f"{key} {value}" for key, value, _ in BAD_VALUES])
def test_bad_value_is_reported_with_its_key_and_leaves_no_run(
    drawn_streets: Path, tmp_path: Path, key: str, value: str, words: str
) -> None:
    fails(["fit", *config_args("camvid", drawn_streets), *runs_in(tmp_path / "runs" / "mine"), key, value], words)
    assert files(tmp_path) == set()


def test_memory_that_runs_out_ends_in_advice_and_auto_goes_without(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = UNetSegmenter.training_step

    def training_step(self: UNetSegmenter, batch: Any, batch_idx: int) -> torch.Tensor:
        if len(batch["image"]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return step(self, batch, batch_idx)

    monkeypatch.setattr(UNetSegmenter, "training_step", training_step)
    args = ["fit", *config_args("camvid", drawn_streets), "--trainer.max_epochs", "1"]
    advice = r"out of memory; take --data\.batch_size auto, .*, smaller images, or --trainer\.precision 16-mixed\."
    fails([*args, *runs_in(tmp_path, "fails")], advice)
    assert files(tmp_path) == set()
    printed = printed_by([*args, *runs_in(tmp_path, "fits"), "--data.batch_size", "auto"])
    assert "batch_size auto: 1 at once, accumulated 8 times to 8 (" in printed
    assert "checkpoint: " in printed


def test_failed_run_takes_away_its_own_folder_only(run: Run) -> None:
    before = files(run.folder.parent)
    fails(["fit", *run.args, *runs_in(run.folder.parents[1]), "--model.num_classes", "11"], "num_classes: .*")
    assert files(run.folder.parent) == before


def test_fit_into_the_folder_of_another_run_is_refused(run: Run, tmp_path: Path) -> None:
    before = files(run.folder)
    again = runs_in(run.folder.parents[1], "first")
    from_elsewhere = ["--ckpt_path", str(shutil.copy(run.folder / "checkpoints" / "last.ckpt", tmp_path))]
    for more in ([], from_elsewhere):
        fails(
            ["fit", *run.args, *again, *more],
            rf"{run.folder}: another run is in this folder; "
            r"name a new one, `--trainer\.logger\.init_args\.version NAME`\.",
        )
    assert files(run.folder) == before


def test_checkpoint_of_another_number_of_classes_is_refused(run: Run) -> None:
    more = ["--data.classes", "11", "--ckpt_path", str(run.best)]
    refusal = r"num_classes: the model or its checkpoint has 32, the data 12; .*"
    fails(["validate", *run.args, *more], refusal)


@pytest.mark.parametrize("kind", ["absent", "text", "cut off", "weights alone"])
def test_file_that_is_no_checkpoint_is_refused_by_name(run: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "some.ckpt"
    if kind == "text":
        path.write_text("hello\n")
    elif kind == "cut off":
        path.write_bytes(run.best.read_bytes()[:1_000_000])
    elif kind == "weights alone":
        torch.save({"weight": torch.ones(2)}, path)
    words = {"absent": "does not exist", "weights alone": "is not a Lightning checkpoint"}
    message = words.get(kind, "is not a checkpoint, or incomplete")
    for subcommand in ("validate", "fit"):
        fails(
            [subcommand, *run.args, "--ckpt_path", str(path)],
            rf"ckpt_path: {path} {message}; expected a file that `triptych fit` saved, such as .*best\.ckpt\.",
        )


WRONG_TASK = r"ckpt_path: expected a checkpoint of \w+, got one of another task, without \w+ among its .*"
WRONG_WEIGHTS = r"ckpt_path: .* was saved by a different model\."


@pytest.mark.parametrize(("hyper_parameters", "words"), [({"num_labels": 17}, WRONG_TASK), ({}, WRONG_WEIGHTS)])
def test_checkpoint_of_another_model_is_refused(
    run: Run, tmp_path: Path, hyper_parameters: dict[str, int], words: str
) -> None:
    path = tmp_path / "other.ckpt"
    state = {"pytorch-lightning_version": "2.6.0", "state_dict": {"head": torch.ones(2)}, "epoch": 0, "global_step": 1}
    torch.save({**state, "loops": {}, "hyper_parameters": hyper_parameters}, path)
    fails(["validate", *run.args, "--ckpt_path", str(path)], words)


def test_output_below_a_file_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    below = str(tmp_path / "file" / "out")
    words = r"\S+/file\S*: expected a folder, got a file; choose another path\."
    fails(["fit", *run.args, *runs_in(Path(below))], words)
    more = ["--ckpt_path", str(run.best), "--predictions.output_dir", below]
    fails(["predict", *run.args, *more], words)
    fails(["make-data", "camvid", below], words)
    assert files(tmp_path) == {"file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_output_folder_is_refused(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    words = r"\S+: Permission denied; choose another path, or correct its permissions\."
    fails(["fit", *run.args, *runs_in(tmp_path / "runs")], words)
    more = ["--ckpt_path", str(run.best), "--predictions.output_dir", str(tmp_path / "out")]
    fails(["predict", *run.args, *more], words)
    tmp_path.chmod(0o700)


def test_refused_permission_names_the_path_and_what_to_do() -> None:
    message = one_line(PermissionError(13, "Permission denied", "/data/out"))
    assert message == "/data/out: Permission denied; choose another path, or correct its permissions."


def test_pictures_to_predict_that_are_not_there_leave_no_output_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    paths = tmp_path / "list.txt"
    paths.write_text("gone.png\n")
    for path, words in {
        tmp_path / "empty": "expected images to predict, found none",
        tmp_path / "nope.png": r"1 of 1 images do not exist; the first is \S+nope\.png",
        paths: r"1 of 1 images do not exist; the first is \S+gone\.png",
    }.items():
        more = ["--data.predict_path", str(path), "--predictions.output_dir", str(tmp_path / "out")]
        fails(["predict", *run.args, "--ckpt_path", str(run.best), *more], rf"{path}: {words}\.")
    assert not (tmp_path / "out").exists()


def test_the_entry_knows_the_commands_that_train() -> None:
    assert {*TRAINING} == TriptychCLI.subcommands().keys()


COMMANDS = (
    "fit, validate, test, predict, lr-find, recipe, "
    "make-data, configs, doctor, report, export, score, push, serve, page, clean-cache"
)
MAKE_DATA = r"expected `triptych make-data \{camvid\S*\} DIR`, got "


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", f"expected one of {COMMANDS}, got nothing; see `triptych --help`\\."),
        ("tune", f"expected one of {COMMANDS}, got tune; see `triptych --help`\\."),
        ("fit", r"expected .*data, .*model.*, got nothing; pass a file .* `--config camvid`\."),
        (
            "fit --config nope.yaml",
            r"config: \S+/nope\.yaml does not exist; expected a YAML file, or the name .* camvid\.",
        ),
        ("fit --config empty.yaml", r"empty\.yaml: expected keys with values \(model:, data:, trainer:\), got ''\."),
        ("make-data", MAKE_DATA + r"nothing\."),
        ("make-data cityscapes there", MAKE_DATA + r"cityscapes there\."),
        ("make-data camvid there too", MAKE_DATA + r"camvid there too\."),
        ("make-data camvid full", r"streets: full is not empty, it holds 'mine' \(one of 1\); .*"),
    ],
)
def test_wrong_command_says_what_was_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, words: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "empty.yaml").touch()
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)
    fails(command.split(), words)
    assert files(tmp_path) == before


def test_traceback_is_shown_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_TRACEBACK", "1")
    with pytest.raises(UsageError, match="got nonsense"):
        main(["nonsense"])


@pytest.mark.slow
def test_console_script_ends_a_mistake_with_one_line_and_exit_code_1(drawn_streets: Path, tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("triptych")
    args = [script, "fit", *config_args("camvid", drawn_streets), "--data.batchsize", "2"]
    done = subprocess.run(args, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "triptych: data.batchsize: no such option; `triptych fit --data.help CLASS` lists the available ones.\n"
    )
    assert files(tmp_path) == set()
