"""`triptych export`, `score` and `push`: what they print, and their mistakes in one line."""

from pathlib import Path

import pytest
from command_line import QUIET, fails, finished_fit, printed_by
from export_folder import ENCODER, flipped

from triptych.exported import ExportedFolder
from triptych.tasks.split_scores import between

pytestmark = [QUIET, pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")]


@pytest.mark.slow
def test_a_run_is_exported_and_scored_with_the_scores_of_its_card(drawn_portraits: Path, tmp_path: Path) -> None:
    run = finished_fit("biwi", drawn_portraits, tmp_path, "--model.encoder", ENCODER, "--model.encoder_weights", "null")
    folder = run.folder / "exported"
    assert printed_by(["export", str(run.folder)]) == f"exported: {folder}\n"
    scores = ExportedFolder(folder).read().scores
    assert scores is not None
    lines = [f"{scores.samples} samples of {scores.split}"]
    bounds = {name: f" ({between(value, scores.intervals[name])})" for name, value in scores.values.items()}
    lines += [f"{name}: {value:#.4g}{bounds[name]}" for name, value in scores.values.items()]
    lines += ["95% interval: 1,000 draws of 10 frames of 2 persons; neighbours are alike, so it is too narrow"]
    config = ["--config", str(run.folder / "config.yaml")]
    assert printed_by(["score", str(folder), *config]).splitlines() == lines
    named = ["biwi", str(drawn_portraits), "--data.valid_person", "[02, 13]"]
    assert printed_by(["score", str(folder), *named]).splitlines() == lines
    flipped(folder / "model.onnx")
    fails(["score", str(folder), *config], rf"{folder}/model\.onnx: expected the file that was exported .*")
    fails(["push", str(folder), "me/heads"], rf"{folder}/model\.onnx: expected the file that was exported .*")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("export", r"expected `triptych export RUN .*`; .* required: RUN\."),
        ("export nowhere", r".*nowhere does not exist.*"),
        ("export nowhere --half --int8 images", r"expected `triptych export RUN .*`; .* not allowed with .*--half\."),
        (
            "score nowhere camvid",
            r"expected a data set \(camvid, biwi, planet, points, imdb\) and its folder, or --config",
        ),
        ("score", r"expected `triptych score DIR NAME DATA, or .*`; .* required: DIR.*\."),
        ("push nowhere", r"expected `triptych push DIR USER/NAME`; .* required: USER/NAME\."),
        ("push nowhere me/name", r"nowhere/model\.json: no such file; expected the folder of an exported model, .*"),
    ],
)
def test_a_mistake_is_one_line(command: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fails(command.split(), f"{words}.*")
