"""`--model.tta` in the commands: typed where it is wanted, and nowhere else."""

from pathlib import Path

import pytest
import torch
from command_line import QUIET, Run, fails, finished_fit, table

pytestmark = QUIET


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, drawn_tiles: Path) -> Run:
    """A fit whose validations average."""
    tta = ["--model.tta", "flip", "--trainer.max_epochs", "1"]
    return finished_fit("planet", drawn_tiles, tmp_path_factory.mktemp("runs"), *tta)


def test_a_validation_averages_only_if_it_is_asked_to(run: Run) -> None:
    assert "tta: flip\n" in (run.folder / "config.yaml").read_text()
    assert "tta" not in torch.load(run.best, weights_only=True)["hyper_parameters"]
    assert "tta" not in run.call("validate")
    printed = run.call("validate", "--model.tta", "{symmetry: dihedral, scales: [0.75, 1]}")
    assert "tta, 16 views of each of 6 images" in printed
    assert printed.count("f2 at best threshold") == 1


def test_the_score_of_a_fit_is_that_of_a_validation_with_the_same_views(run: Run) -> None:
    assert f"{run.score:.4g}" in run.call("validate", "--model.tta", "flip")


def test_predict_averages(run: Run, tmp_path: Path) -> None:
    for name, more in (("plain", []), ("averaged", ["--model.tta", "dihedral"])):
        run.call("predict", "--predictions.output_dir", str(tmp_path / name), *more)
    plain, averaged = (table(tmp_path / name / "probabilities.csv") for name in ("plain", "averaged"))
    assert [row["image_name"] for row in plain] == [row["image_name"] for row in averaged]
    assert plain != averaged


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("mirror", r"tta: expected flip, dihedral, or a mapping such as \{.*\}, got 'mirror'\."),
        ("{scales: [0]}", r"tta: scales: expected a list of numbers in \[0\.5, 2\], such as .*, got 0\."),
    ],
)
def test_a_choice_that_is_unknown_is_one_line(run: Run, choice: str, words: str) -> None:
    fails(["validate", *run.args, "--ckpt_path", str(run.best), "--model.tta", choice], words)
