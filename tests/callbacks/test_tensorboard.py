"""What callbacks draw into TensorBoard: at the right steps, the same frames each time, and no weight changes."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import lightning as L
import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringModel
from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.loggers.logger import DummyLogger
from small_fit import TINY, TINY_TEXT, BreakOff, BrokenOffError, Case, digest, fit
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from torch import Tensor
from torchmetrics.classification import MulticlassF1Score, MulticlassJaccardIndex, MultilabelFBetaScore

from triptych import MultiLabelClassifier, PlanetDataModule
from triptych.callbacks import (
    ClassScores,
    HyperParameters,
    Mistakes,
    ResumePoint,
    TrainingBatch,
    ValidationFrames,
    validation_frames,
)
from triptych.evaluation.evaluate import evaluating
from triptych.recipe import Stage, run_recipe
from triptych.runs.log import read_run
from triptych.show.panels import panel_for

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]

STEPS = {"camvid": 4, "biwi": 4, "planet": 5, "imdb": 5, "language": 6}
"""Number of steps in each of the two epochs; each epoch is validated."""
MONITORED = {
    **{"camvid": "val/void_masked_accuracy", "biwi": "val/error_px", "planet": "val/f2"},
    **{"imdb": "val/accuracy", "language": "val/perplexity"},
}
"""The first score of each task."""


def all_of_them() -> list[L.Callback]:
    return [TrainingBatch(count=3), ValidationFrames(), Mistakes(k=2), ClassScores(), HyperParameters()]


def log_in(folder: Path) -> TensorBoardLogger:
    return TensorBoardLogger(folder, "", "run", default_hp_metric=False)


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0, "tensors": 0}).Reload()


def image_steps(folder: Path) -> dict[str, list[int]]:
    read = events(folder)
    return {name: [event.step for event in read.Images(name)] for name in read.Tags()["images"]}


class Fitted(NamedTuple):
    """A fit of two epochs with all callbacks, the frames that were drawn, and the final weights of a fit without."""

    task: str
    trainer: L.Trainer
    folder: Path
    frames: list[list[str]]
    weights_without: str


@pytest.fixture(scope="module")
def fit_of(tmp_path_factory: pytest.TempPathFactory, roots: dict[str, Path]) -> Callable[[str], Fitted]:
    """Returns the fit of a task; each task is fitted once."""
    return functools.cache(lambda task: fitted_once(task, roots[task], tmp_path_factory.mktemp("tensorboard")))


def fitted_once(task: str, root: Path, folder: Path) -> Fitted:
    frames: list[list[str]] = []

    def recorded(model: Any) -> Any:
        panel: Any = panel_for(model)
        draw = panel.results

        def drawn(found: list[tuple[dict[str, Any], Tensor]]) -> Any:
            frames.append([sample["path"] for sample, _ in found])
            return draw(found)

        panel.results = drawn
        return panel

    case, settings = Case(task, epochs=2), {"num_sanity_val_steps": 1, "log_every_n_steps": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation_frames, "panel_for", recorded)
        trainer = fit(case, root, folder, all_of_them(), logger=log_in(folder), **settings)
    without = fit(case, root, folder, **settings)
    return Fitted(task, trainer, folder / "run", frames, digest(without.lightning_module.state_dict()))


@pytest.fixture(params=list(STEPS))
def fitted(request: pytest.FixtureRequest, fit_of: Callable[[str], Fitted]) -> Fitted:
    """The fit of each task."""
    return fit_of(request.param)


def test_pictures_stand_at_the_steps_of_what_they_show(fitted: Fitted) -> None:
    steps = STEPS[fitted.task]
    expected = {"train/batch": [0], "val/frames": [steps - 1, 2 * steps - 1], "val/top_losses": [2 * steps - 1]}
    if fitted.task not in ("biwi", "language"):
        expected["val/confusion"] = [2 * steps - 1]
    assert image_steps(fitted.folder) == expected
    assert read_run(fitted.folder).series["val/loss"].steps == expected["val/frames"]


def test_the_frames_are_spread_over_the_split_and_the_same_each_time(fitted: Fitted) -> None:
    data: Any = fitted.trainer.datamodule  # type: ignore[attr-defined]
    samples = data.val_dataloader().dataset
    paths = [samples[index]["path"] for index in range(len(samples))]
    first, second = fitted.frames
    assert first == second
    assert len(first) == 4 and first == sorted(set(first), key=paths.index)


def test_weights_are_bit_for_bit_those_of_a_fit_without(fitted: Fitted) -> None:
    assert digest(fitted.trainer.lightning_module.state_dict()) == fitted.weights_without


def test_scores_of_classes_are_those_of_torchmetrics(fitted: Fitted) -> None:
    model: Any = fitted.trainer.lightning_module
    data: Any = fitted.trainer.datamodule  # type: ignore[attr-defined]
    series = {name: one for name, one in read_run(fitted.folder).series.items() if name.count("/") == 2}
    if fitted.task in ("biwi", "language"):
        assert series == {}
        return
    with evaluating(model, data) as evaluation:
        samples = [evaluation.samples[i] for i in range(len(evaluation.samples))]
        preds = torch.stack([preds for _, preds in evaluation.each(samples)])
    target = torch.stack([sample[model.target] for sample in samples])
    if fitted.task == "camvid":
        score, names, void = "iou", model.class_names, model.hparams["ignore_index"]
        metric: Any = MulticlassJaccardIndex(len(names), average="none", ignore_index=void)
        labelled = [i for i in range(len(names)) if i != void and (target == i).any()]
    elif fitted.task == "imdb":
        score, names, labelled = "f1", model.categories, [0, 1]
        metric = MulticlassF1Score(2, average="none")
    else:
        score, names = "f2", model.tags
        metric = MultilabelFBetaScore(2.0, len(names), threshold=model.hparams["threshold"], average="none")
        preds, target = preds.sigmoid(), target.int()
        labelled = target.any(dim=0).nonzero().flatten().tolist()
    expected = metric(preds, target)
    assert {*series} == {f"val/{score}/{names[i]}" for i in labelled}
    for i in labelled:
        assert series[f"val/{score}/{names[i]}"].steps == [STEPS[fitted.task] - 1, 2 * STEPS[fitted.task] - 1]
        assert series[f"val/{score}/{names[i]}"].values[-1] == pytest.approx(float(expected[i]), abs=1e-5)


def test_hyper_parameters_have_one_row_with_the_final_score(fitted: Fitted) -> None:
    read, name = events(fitted.folder), MONITORED[fitted.task]
    start = metadata.parse_session_start_info_plugin_data(_content(read, "session_start_info"))
    experiment = metadata.parse_experiment_plugin_data(_content(read, "experiment"))
    assert [info.name.tag for info in experiment.metric_infos] == [name]
    is_text = fitted.task in ("imdb", "language")
    shown = start.hparams["num_layers"].number_value if is_text else start.hparams["encoder"].string_value
    assert shown == (TINY_TEXT["num_layers"] if is_text else TINY["encoder"])
    assert start.hparams["max_lr"].string_value == "[0.0001, 0.01]"
    assert not [key for key in start.hparams if key in ("class_names", "tags", "categories") or key.startswith("_")]
    assert len(list(fitted.folder.parent.rglob("events.*"))) == 1
    log, steps = read_run(fitted.folder), STEPS[fitted.task]
    assert [event.step for event in read.Scalars(name)] == [steps - 1, 2 * steps - 1]
    assert log.series[name].values[-1] == pytest.approx(float(fitted.trainer.callback_metrics[name]))
    assert log.hyper_parameters["max_lr"] == [1e-4, 1e-2]


def _content(read: EventAccumulator, name: str) -> bytes:
    content: bytes = read.SummaryMetadata(f"_hparams_/{name}").plugin_data.content
    return content


def test_a_fit_that_is_resumed_ends_alike_and_draws_at_its_own_steps(drawn_tiles: Path, tmp_path: Path) -> None:
    case, folder, often = Case(epochs=2), tmp_path / "broken", {"log_every_n_steps": 1}
    whole = fit(case, drawn_tiles, tmp_path)
    callbacks = [*all_of_them(), ResumePoint(1, dirpath=str(folder))]
    with pytest.raises(BrokenOffError):
        broken = [*callbacks, BreakOff("on_train_batch_start", 8)]
        fit(case, drawn_tiles, folder, broken, logger=log_in(folder), **often)
    again = [*all_of_them(), ResumePoint(1, dirpath=str(folder))]
    last = folder / "last.ckpt"
    resumed = fit(case, drawn_tiles, folder, again, seed=9, ckpt_path=last, logger=log_in(folder), **often)
    assert digest(resumed.lightning_module.state_dict()) == digest(whole.lightning_module.state_dict())
    assert image_steps(folder / "run") == {
        **{"train/batch": [0, 7], "val/frames": [4, 9], "val/top_losses": [9], "val/confusion": [9]}
    }


def test_stages_of_a_recipe_stand_on_one_axis_and_share_a_row(drawn_tiles: Path, tmp_path: Path) -> None:
    data = PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=5)
    stages = [Stage("head", epochs=1, freeze_to=-1, max_lr=1e-3), Stage("all", freeze_to=0, image_size=(48, 48))]
    quiet = {"accelerator": "cpu", "enable_progress_bar": False, "log_every_n_steps": 1}
    settings = {**quiet, "callbacks": all_of_them()}
    results = run_recipe(MultiLabelClassifier(**TINY), data, stages, settings, tmp_path / "run", seed=0)
    plans = json.loads((tmp_path / "run" / "recipe.json").read_text())["plans"]
    first, both = plans[0]["steps"], plans[0]["steps"] + plans[1]["steps"]
    ends = [first - 1, both - 1]
    assert image_steps(tmp_path / "run") == {
        **{"train/batch": [0, first], "val/frames": ends, "val/top_losses": ends, "val/confusion": ends}
    }
    series = read_run(tmp_path / "run").series
    assert series["val/f2"].steps == series["val/f2/primary"].steps == ends
    assert series["val/f2"].values[-1] == pytest.approx(results[-1].scores["f2"])
    read = events(tmp_path / "run")
    start = metadata.parse_session_start_info_plugin_data(_content(read, "session_start_info"))
    assert start.hparams["freeze_to"].number_value == -1


def no_logger(folder: Path) -> bool:
    return False


class OwnLogger(DummyLogger):
    """A logger that takes no images."""


def own_logger(folder: Path) -> OwnLogger:
    return OwnLogger()


@pytest.mark.parametrize(("logger", "got"), [(own_logger, "OwnLogger"), (no_logger, "none")])
def test_a_logger_without_images_is_reported_once(
    drawn_tiles: Path, tmp_path: Path, logger: Callable[[Path], Any], got: str
) -> None:
    with pytest.warns(UserWarning, match="figures") as caught:
        fit(Case(epochs=1), drawn_tiles, tmp_path, all_of_them(), logger=logger(tmp_path), log_every_n_steps=1)
    messages = [str(warning.message) for warning in caught if "figures" in str(warning.message)]
    expected = "expected a logger for TensorBoard, W&B, MLflow or CSV"
    assert messages == [f"No figures of the training are drawn: {expected}, got {got}."]


class FakeWandb(WandbLogger):
    """A WandbLogger without wandb."""

    def __init__(self) -> None:
        self.scores: list[tuple[str, int]] = []
        self.images: list[tuple[str, tuple[int, int], int]] = []

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        self.scores += [(name, step or 0) for name in metrics]

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        pass

    def log_image(self, key: str, images: list[Any], step: int | None = None, **kwargs: Any) -> None:
        self.images += [(key, image.size, step or 0) for image in images]

    def finalize(self, status: str) -> None:
        pass

    name = version = save_dir = experiment = property(lambda self: "wandb")  # type: ignore[assignment]


class FakeMlflow(MLFlowLogger):
    """An MLFlowLogger without mlflow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log_figure(self, run_id: str, figure: Any, artifact_file: str) -> None:
        (self.folder / run_id / artifact_file).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.folder / run_id / artifact_file)

    def log_metrics(self, *args: Any, **kwargs: Any) -> None:
        pass

    log_hyperparams = finalize = log_metrics  # type: ignore[assignment]
    experiment = property(lambda self: self)  # type: ignore[assignment]
    run_id = name = version = save_dir = property(lambda self: "mlflow")  # type: ignore[assignment]


def test_figures_go_to_every_logger_that_takes_them(drawn_tiles: Path, tmp_path: Path) -> None:
    wandb, mlflow = FakeWandb(), FakeMlflow(tmp_path)
    loggers = [wandb, CSVLogger(tmp_path, "csv", "run"), OwnLogger(), log_in(tmp_path), mlflow]
    trainer = fit(Case(epochs=1), drawn_tiles, tmp_path, all_of_them(), logger=loggers, log_every_n_steps=1)
    steps = {"train/batch": 0, "val/frames": 4, "val/top_losses": 4, "val/confusion": 4}
    assert {name: step for name, _, step in wandb.images} == steps
    assert all(min(size) > 100 for _, size, _ in wandb.images)
    names = {f"{name.replace('/', '_')}_{step:06d}.png" for name, step in steps.items()}
    for folder in (tmp_path / "csv" / "run", tmp_path / "mlflow"):
        assert {path.name for path in (folder / "figures").iterdir()} == names
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in (folder / "figures").iterdir())
    assert image_steps(tmp_path / "run") == {name: [step] for name, step in steps.items()}
    assert ("val/f2/primary", 4) in wandb.scores
    log, same = read_run(tmp_path / "csv" / "run"), read_run(trainer)
    assert same.folder == tmp_path / "run"  # TensorBoard's, at any place in the list
    assert log.series.keys() == same.series.keys() and log.series["val/f2"].steps == same.series["val/f2"].steps
    assert log.series["val/f2"].values == pytest.approx(same.series["val/f2"].values)


def test_a_model_of_another_kind_trains_without_pictures(tmp_path: Path) -> None:
    quiet = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(
        accelerator="cpu", max_steps=2, logger=log_in(tmp_path), callbacks=all_of_them(), log_every_n_steps=1, **quiet
    )
    with pytest.warns(UserWarning, match="figures .* expected a TransferTask, got BoringModel"):
        trainer.fit(BoringModel())
    assert image_steps(tmp_path / "run") == {}


def test_names_of_classes_become_names_of_curves() -> None:
    logged: list[tuple[dict[str, float], int]] = []
    loop = SimpleNamespace(epoch_loop=SimpleNamespace(_batches_that_stepped=7))
    logger = SimpleNamespace(log_metrics=lambda metrics, step: logged.append((metrics, step)))
    trainer: Any = SimpleNamespace(sanity_checking=False, is_global_zero=True, loggers=[logger], fit_loop=loop)
    scores = {"iou": {"Sky / Clouds": 0.5, "Straße": 1.0}}
    ClassScores().on_validation_end(trainer, SimpleNamespace(class_scores=lambda: scores))
    assert logged == [({"val/iou/Sky_Clouds": 0.5, "val/iou/Straße": 1.0}, 7)]


@pytest.mark.parametrize("make", [lambda: TrainingBatch(0), lambda: ValidationFrames(0), lambda: Mistakes(0)])
def test_nothing_to_draw_is_refused(make: Callable[[], L.Callback]) -> None:
    with pytest.raises(ValueError, match=r"(count|k): expected at least 1, got 0\."):
        make()
