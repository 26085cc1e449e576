"""What the runs of a release left on disk is read and gone on with, by names that the package promises to keep.

`released/make.py` says what there is of each release; each test takes all of them.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
import yaml
from command_line import QUIET, files, printed_by
from matplotlib.figure import Figure
from released_runs import RELEASED, draw_data, from_text, logits, rates

from triptych import (
    BIWIDataModule,
    CamVidDataModule,
    MultiLabelClassifier,
    PlanetDataModule,
    PointRegressor,
    UNetSegmenter,
    plot_losses,
    plot_lr,
    show_results,
    top_losses,
)

pytestmark = [
    QUIET,
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]

TASKS: dict[str, type[L.LightningModule]] = {
    "biwi": PointRegressor,
    "planet": MultiLabelClassifier,
    "camvid": UNetSegmenter,
}
CHECKPOINTS = [("biwi", "last.ckpt"), ("planet", "1-head.ckpt"), ("planet", "2-all.last.ckpt"), ("camvid", "best.ckpt")]
WRITTEN = {"biwi": "points.csv", "planet": "tags.csv", "camvid": "masks"}
"""What `predict` writes, beside pictures."""
CURVES = {"biwi": ({7}, {8}), "planet": ({6, 8}, {6, 9}), "camvid": ({2}, {2})}
"""Points of the curves of loss and rate, of a recipe in each stage; a rate is logged before its step."""

every_checkpoint = pytest.mark.parametrize(("task", "name"), CHECKPOINTS)
every_task = pytest.mark.parametrize("task", TASKS)


@pytest.fixture(params=sorted(path.name for path in RELEASED.glob("[0-9]*")))
def release(request: pytest.FixtureRequest) -> Path:
    """The folder of a release."""
    return RELEASED / str(request.param)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of all runs, and later on the runs that were asked for; not to be changed."""
    folder = tmp_path_factory.mktemp("released")
    draw_data(folder / "data")
    return folder


@pytest.fixture
def begun(release: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts down the run of a task as it was broken off, where the command is typed and its data are."""
    shutil.copytree(whole / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)

    def put_down(task: str) -> Path:
        made = whole / release.name / task
        if not made.exists():
            from_text(release / task, made)
        run = Path(shutil.copytree(made, Path("runs", task, "version_0")))
        last = run / "checkpoints" / "last.ckpt"
        if last.exists():
            shutil.copy(last, last.with_name("best.ckpt"))  # as it is built alike, one of both is kept as text
        return run

    return put_down


def read(checkpoint: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
    return state


def load(task: str, checkpoint: Path) -> L.LightningModule:
    return TASKS[task].load_from_checkpoint(checkpoint)


def config_of(run: Path) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((run / "config.yaml").read_text())
    return config


def data_of(task: str, run: Path) -> Any:
    module = {"biwi": BIWIDataModule, "planet": PlanetDataModule, "camvid": CamVidDataModule}[task]
    return module(**config_of(run)["data"]["init_args"])


def tensors(state: Mapping[str, torch.Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """The shape and type of each tensor by its name."""
    return {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()}


def points(figure: Figure) -> set[int]:
    """How many points the curves of a figure have."""
    return {len(line.get_xdata()) for axes in figure.axes for line in axes.lines}


@every_checkpoint
def test_a_checkpoint_names_what_a_new_model_is_made_of(begun: Callable[[str], Path], task: str, name: str) -> None:
    state = read(begun(task) / "checkpoints" / name)
    arguments = {name: value for name, value in state["hyper_parameters"].items() if not name.startswith("_")}
    assert tensors(TASKS[task](**arguments).state_dict()) == tensors(state["state_dict"])


@every_checkpoint
def test_a_checkpoint_loads_with_what_was_typed(begun: Callable[[str], Path], task: str, name: str) -> None:
    run = begun(task)
    arguments = config_of(run)["model"]["init_args"]
    typed = {key: value for key, value in arguments.items() if value is not None}  # the rest comes from the data
    if (run / "recipe.json").exists():
        recipe = json.loads((run / "recipe.json").read_text())
        stage = recipe["stages"][int(name[0]) - 1]
        typed |= {"freeze_to": stage["freeze_to"], "max_lr": recipe["max_lr"][f"{name[0]}-{stage['name']}"]}
    found = load(task, run / "checkpoints" / name).hparams
    assert {key: found[key] for key in typed} == typed


@every_checkpoint
def test_a_checkpoint_gives_the_logits_it_gave(
    begun: Callable[[str], Path], release: Path, task: str, name: str
) -> None:
    model = load(task, begun(task) / "checkpoints" / name)
    given = json.loads((release / "logits.json").read_text())[f"{task}/{name}"]
    assert logits(model) == pytest.approx(given, rel=1e-3, abs=1e-3)


@every_task
def test_a_run_and_its_checkpoint_are_looked_at(begun: Callable[[str], Path], task: str) -> None:
    run = begun(task)
    data = data_of(task, run)
    assert show_results(run, data, rows=1).axes
    for name in (name for one, name in CHECKPOINTS if one == task):
        assert len(top_losses(run / "checkpoints" / name, data, k=2)) == 2


@every_checkpoint
def test_a_checkpoint_validates_and_predicts(begun: Callable[[str], Path], task: str, name: str) -> None:
    run = begun(task)
    args = ["--config", str(run / "config.yaml"), "--ckpt_path", str(run / "checkpoints" / name)]
    assert "val/loss" in printed_by(["validate", *args])
    more = ["--predictions.thresholds", "per_tag"] if task == "planet" else []
    assert f"{run}/predictions" in printed_by(["predict", *args, *more])
    assert WRITTEN[task] in files(run / "predictions")


def same_rates(run: Path, release: Path) -> bool:
    """Whether a whole run had the rates that the release itself would have gone on with."""
    given = json.loads((release / "rates.json").read_text())[run.parent.name]
    return rates(run) == {name: pytest.approx(values, rel=1e-4) for name, values in given.items()}


def test_a_fit_goes_on_where_it_was_broken_off(begun: Callable[[str], Path], release: Path) -> None:
    run = begun("biwi")
    last = run / "checkpoints" / "last.ckpt"
    before = read(last)
    assert (before["epoch"], before["global_step"]) == (2, 7)
    printed = printed_by(["fit", "--config", str(run / "config.yaml"), "--ckpt_path", "last"])
    assert f"checkpoint: {run / 'checkpoints' / 'best.ckpt'}" in printed
    after = read(last)
    assert (after["epoch"], after["global_step"]) == (2, 9)
    assert after["state_dict"]["only_resized.weight"] == 12  # samples of the epoch, of which it had seen four
    (optimizer,) = after["optimizer_states"]
    assert {float(moments["step"]) for moments in optimizer["state"].values()} == {9.0}
    assert same_rates(run, release)
    assert 9 in points(plot_losses(run))
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]


def holds(now: Any, was: Any) -> bool:
    """Whether all that was is still there; a later release may have more keys."""
    if isinstance(was, dict):
        return all(name in now and holds(now[name], value) for name, value in was.items())
    if isinstance(was, list):
        return len(now) == len(was) and all(map(holds, now, was))
    return bool(now == was)


def test_a_recipe_goes_on_with_its_second_stage(begun: Callable[[str], Path], release: Path) -> None:
    run = begun("planet")
    head, recipe = run / "checkpoints" / "1-head.ckpt", run / "recipe.json"
    before, was = head.read_bytes(), json.loads(recipe.read_text())
    printed = printed_by(["recipe", "--config", str(run / "config.yaml"), "--resume"])
    assert f"checkpoint: {run / 'checkpoints' / '2-all.ckpt'}" in printed
    assert head.read_bytes() == before
    assert sorted(path.name for path in head.parent.iterdir()) == ["1-head.ckpt", "2-all.ckpt"]
    assert read(head.with_name("2-all.ckpt"))["global_step"] == 12
    now = json.loads(recipe.read_text())
    assert [stage["name"] for stage in now["done"]] == ["head", "all"]
    assert holds({**now, "done": now["done"][:1]}, was)  # the rate is not searched for again
    stages = json.loads((run / "summary.json").read_text())["stages"]
    assert [stage["epochs"] for stage in stages] == [1, 2]
    assert same_rates(run, release)
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]


def test_a_finished_fit_is_given_another_epoch(begun: Callable[[str], Path]) -> None:
    run = begun("camvid")
    best = run / "checkpoints" / "best.ckpt"
    more = ["--trainer.max_epochs", "2", "--trainer.logger.init_args.version", "version_0"]
    printed_by(["fit", "--config", str(run / "config.yaml"), "--ckpt_path", str(best), *more])
    after = read(best.with_name("last.ckpt"))
    assert (after["epoch"], after["global_step"]) == (1, 4)
    assert tensors(after["state_dict"]) == tensors(read(best)["state_dict"])


@every_task
def test_a_run_is_drawn_and_reported(begun: Callable[[str], Path], task: str) -> None:
    run = begun(task)
    losses, peaks = CURVES[task]
    assert points(plot_losses(run)) >= losses
    assert points(plot_lr(run)) >= peaks
    printed_by(["report", str(run)])
    page = (run / "report.html").read_text(encoding="utf-8")
    titles = ["Scores", "Curves", "Validation", "Worst samples", "Environment", "Configuration"]
    titles += ["Plan and results", "Learning-rate search"] if task == "planet" else []
    assert [title for title in titles if f">{title}</h2>" not in page] == []
    assert "Left out" not in page
