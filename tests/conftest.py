"""Made-up data for the tests, drawn once a session."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

from pathlib import Path

import pytest

from triptych.synthetic import make_streets


@pytest.fixture(scope="session")
def drawn_streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve made-up frames of 64x96, four of them for validation; not to be changed."""
    return make_streets(
        tmp_path_factory.mktemp("data") / "streets", num_frames=12, image_size=(64, 96), valid_fraction=0.33
    )


@pytest.fixture
def streets(drawn_streets: Path, tmp_path: Path) -> Path:
    """A copy of them that a test may break."""
    import shutil

    return Path(shutil.copytree(drawn_streets, tmp_path / "streets"))
