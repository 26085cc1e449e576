"""The runtime needs no torch, and what it needs brings none."""

import configparser
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import numpy as np
from exported_files import NAMES, write_exported
from PIL import Image

ROOT = Path(__file__).parents[2]
BLOCKED = ("torch", "lightning", "torchvision", "torchmetrics", "segmentation_models_pytorch", "timm", "albumentations")
PREDICT = f"""
import sys
sys.modules.update(dict.fromkeys({BLOCKED}))  # None: who imports one of them fails
from triptych.runtime import load
for folder in sys.argv[2:]:
    model = load(folder)
    result = model([sys.argv[1]])[0]
    name = {{"mask": "mask", "point": "points", "labels": "tags"}}[model.manifest.task]
    assert len(getattr(result, name)) > 0
    if name != "tags":
        result.overlay()
"""


def test_the_three_tasks_are_answered_where_torch_cannot_be_imported(tmp_path: Path) -> None:
    image = tmp_path / "image.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(40, 60, 3), dtype=np.uint8)).save(image)
    folders = [write_exported(tmp_path / task, task) for task in NAMES]
    command = [sys.executable, "-c", PREDICT, image, *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_torch_is_installed_with_the_extra_runtime() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    stated = config["options"]["install_requires"] + config["options.extras_require"]["runtime"]
    waiting = [line for line in stated.splitlines() if line and not line.startswith("#")]
    installed: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = re.match(r"[\w.-]+", requirement)
        assert name is not None
        if name[0] not in installed and "extra ==" not in requirement:
            installed.add(name[0])
            try:
                waiting += requires(name[0]) or []
            except PackageNotFoundError:  # of another system or version of Python
                continue
    assert {"numpy", "onnxruntime"} <= installed
    assert installed.isdisjoint(BLOCKED)
