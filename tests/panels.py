"""Fixtures: small data and untrained models of the three tasks, and a check of figures for cut or overlapping text."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from small_fit import TINY

from triptych import (
    BIWIDataModule,
    CamVidDataModule,
    MultiLabelClassifier,
    PlanetDataModule,
    PointRegressor,
    UNetSegmenter,
)
from triptych.datamodules.base import TriptychDataModule
from triptych.tasks.base import TransferTask

QUIET = ("ignore:.*does not have many workers:UserWarning", "ignore:.*LeafSpec.* is deprecated:FutureWarning")
TASKS = ["camvid", "biwi", "planet"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"panel", "make_panel"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.filterwarnings(*QUIET))


class Panel(NamedTuple):
    """A model and its data."""

    model: TransferTask
    data: TriptychDataModule


@pytest.fixture
def make_panel(drawn_streets: Path, drawn_portraits: Path, drawn_tiles: Path) -> Callable[..., Panel]:
    """Makes the panel of a task, given its name; further arguments go to the data module."""

    def make(task: str, **arguments: Any) -> Panel:
        torch.manual_seed(0)
        options: dict[str, Any] = {"batch_size": 3, **arguments}
        if task == "camvid":
            data: TriptychDataModule = CamVidDataModule(str(drawn_streets), **{"image_size": (64, 96), **options})
            model: TransferTask = UNetSegmenter(**TINY)
        elif task == "biwi":
            data = BIWIDataModule(str(drawn_portraits), **{"image_size": (48, 64), **options})
            model = PointRegressor(**TINY)
        else:
            data = PlanetDataModule(str(drawn_tiles), **{"image_size": (32, 32), **options})
            model = MultiLabelClassifier(threshold=0.5, **TINY)
        data.setup("fit")
        model.resolve(data.metadata)
        model.configure_model()
        return Panel(model, data)

    return make


@pytest.fixture(params=TASKS)
def panel(request: pytest.FixtureRequest, make_panel: Callable[..., Panel]) -> Panel:
    """The panel of each task."""
    return make_panel(request.param)


@pytest.fixture
def save_run(tmp_path: Path) -> Callable[..., Path]:
    """Saves a model as a fit does, into `checkpoints` of a run folder; returns the run folder."""

    def save(model: TransferTask, name: str = "best.ckpt", run: str = "run") -> Path:
        trainer = L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
        trainer.strategy.connect(model)
        trainer.save_checkpoint(tmp_path / run / "checkpoints" / name)
        return tmp_path / run

    return save


@pytest.fixture
def check_whole() -> Callable[[Figure], list[str]]:
    """Asserts that no text of a figure is cut off, or overlaps another text or an image; returns the texts."""

    def check(figure: Figure) -> list[str]:
        figure.draw_without_rendering()
        texts = [text for text in _texts(figure) if text.get_visible() and text.get_text().strip()]
        boxes = np.array([text.get_window_extent().extents for text in texts])
        width, height = figure.bbox.size
        for text, (left, bottom, right, top) in zip(texts, boxes, strict=True):
            assert left >= 0 and bottom >= 0 and right <= width and top <= height, f"{text.get_text()!r} is cut off"
        for number, box in enumerate(boxes):
            for other in np.flatnonzero(_overlap(box, boxes[:number])):
                pytest.fail(f"{texts[number].get_text()!r} overlaps {texts[other].get_text()!r}")
        for axes in figure.axes:
            outside = [number for number, text in enumerate(texts) if text.axes is not axes]
            for other in np.flatnonzero(_overlap(axes.get_window_extent().extents, boxes[outside])):
                pytest.fail(f"{texts[outside[other]].get_text()!r} overlaps an image")
        return [text.get_text() for text in texts]

    return check


def _overlap(box: Any, others: Any) -> Any:
    slack = 0.5  # pixels
    apart = (others[:, :2] >= box[2:] - slack).any(axis=1) | (others[:, 2:] <= box[:2] + slack).any(axis=1)
    return ~apart


def _texts(figure: Figure) -> Iterator[Text]:
    yield from figure.texts
    for legend in figure.legends:
        yield from legend.get_texts()
    for axes in figure.axes:
        yield from _texts_of_axes(axes)


def _texts_of_axes(axes: Axes) -> Iterator[Text]:
    yield from axes.texts
    if axes.axison:
        yield from (axes.title, axes.xaxis.label, axes.yaxis.label)
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            yield from (tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)
            yield from (tick.label2 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)
