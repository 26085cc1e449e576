"""The wheel contains what the command line and the page read."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("configs", "src", "LICENSE", "README.md", "pyproject.toml", "setup.cfg", "setup.py")


@pytest.mark.slow
def test_wheel_contains_every_configuration_and_file_of_the_page(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    for name in SOURCES:  # a build writes beside its sources
        source, copy = ROOT / name, tmp_path / name
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", build, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("triptych-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    configs = {name for name in names if name.endswith(".yaml")}
    assert configs == {f"triptych/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "configs").rglob("*.yaml")}
    web = {name for name in names if name.startswith("triptych/serve/web/")}
    files = filter(Path.is_file, (ROOT / "src/triptych/serve/web").rglob("*"))
    assert web == {path.relative_to(ROOT / "src").as_posix() for path in files}
