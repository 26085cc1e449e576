"""The wheel contains what the command line reads."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("configs", "src", "LICENSE", "README.md", "pyproject.toml", "setup.cfg", "setup.py")


@pytest.mark.slow
def test_wheel_contains_every_configuration(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    for name in SOURCES:  # a build writes beside its sources
        source, copy = ROOT / name, tmp_path / name
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", build, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("triptych-*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".yaml")}
    assert names == {f"triptych/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "configs").rglob("*.yaml")}
