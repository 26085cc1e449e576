"""Made-up data for the tests, drawn once a session; and the CPU cores, divided among the processes of pytest-xdist."""

import gc
import logging
import os
import sys
import warnings

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # more threads than cores would wait for each other
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])))

from collections.abc import Iterator
from pathlib import Path

import lightning as L  # noqa: F401  # first, as on the command line: it keeps the order of `int | float` in its types
import pytest
from points_files import write_faces
from threads import one_thread as _one_thread

from triptych.synthetic import make_portraits, make_reviews, make_streets, make_tiles
from triptych.trainer.messages import LIGHTNING_LOGGERS

pytest_plugins = ["panels"]


def pytest_collection_finish() -> None:
    """Leaves out of each garbage collection the half a million objects of what was imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def drawn_streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve made-up frames of 64x96, four of them for validation; read-only."""
    return make_streets(
        tmp_path_factory.mktemp("data") / "streets", num_frames=12, image_size=(64, 96), valid_fraction=0.33
    )


@pytest.fixture(scope="session")
def drawn_portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up persons 01, 02, 03 and 13, the one that the lesson holds out, with five frames of 48x64; read-only."""
    folder = tmp_path_factory.mktemp("data") / "portraits"
    make_portraits(folder, num_persons=4, frames_per_person=5, image_size=(48, 64))
    (folder / "04").rename(folder / "13")
    return folder


@pytest.fixture(scope="session")
def drawn_points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen made-up faces of 48x64 with five named points, of which a fifth is missing; read-only."""
    folder = tmp_path_factory.mktemp("data") / "points"
    write_faces(folder, count=14, missing=0.2)
    return folder


@pytest.fixture(scope="session")
def drawn_reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty made-up reviews to train on, twelve to validate; read-only."""
    return make_reviews(tmp_path_factory.mktemp("data") / "reviews", num_train=40, num_valid=12)


@pytest.fixture(scope="session")
def drawn_tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty made-up tiles of 32x32; read-only."""
    return make_tiles(tmp_path_factory.mktemp("data") / "tiles", num_tiles=30, image_size=(32, 32))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """See `threads.one_thread`."""
    with _one_thread():
        yield


@pytest.fixture(scope="module")
def roots(
    drawn_tiles: Path, drawn_portraits: Path, drawn_streets: Path, drawn_points: Path, drawn_reviews: Path
) -> dict[str, Path]:
    """The made-up data of each task; read-only."""
    images = {"planet": drawn_tiles, "biwi": drawn_portraits, "camvid": drawn_streets, "points": drawn_points}
    return {**images, "imdb": drawn_reviews, "language": drawn_reviews}


@pytest.fixture
def messages_as_before() -> Iterator[None]:
    """Gives Lightning's loggers back what a test has changed for the whole process, and the filters of warnings."""
    loggers = [logging.getLogger(name) for name in LIGHTNING_LOGGERS]
    before = [(logger, logger.level, logger.filters[:]) for logger in loggers]
    with warnings.catch_warnings():
        yield
    for logger, level, filters in before:
        logger.setLevel(level)
        logger.filters[:] = filters


@pytest.fixture
def streets(drawn_streets: Path, tmp_path: Path) -> Path:
    """A copy of `drawn_streets` that a test may change."""
    import shutil

    return Path(shutil.copytree(drawn_streets, tmp_path / "streets"))


@pytest.fixture
def tiles(drawn_tiles: Path, tmp_path: Path) -> Path:
    """A copy of `drawn_tiles` that a test may change."""
    import shutil

    return Path(shutil.copytree(drawn_tiles, tmp_path / "tiles"))


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Path of a class that could be imported; whoever imports its module fails the test."""
    module = tmp_path / "trap" / "a_trap.py"
    module.parent.mkdir()
    module.write_text("from pathlib import Path\n\nPath(__file__).with_name('sprung').touch()\n\nclass Thing: ...\n")
    monkeypatch.syspath_prepend(module.parent)
    yield "a_trap.Thing"
    sys.modules.pop("a_trap", None)
    assert not module.with_name("sprung").exists()
