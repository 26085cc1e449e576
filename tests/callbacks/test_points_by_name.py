"""What the callbacks of a fit log of several points: a curve of each, its mistakes, and the errors by point."""

from pathlib import Path

import lightning as L
import panels
import pytest
from command_line import table
from lightning.pytorch.loggers import CSVLogger
from points_files import NAMES
from small_fit import TINY

from triptych import PointRegressor, PointsDataModule, write_report
from triptych.callbacks import ClassScores, Mistakes, ValidationFrames

pytestmark = pytest.mark.filterwarnings(*panels.QUIET)


def test_each_point_has_a_curve_a_bar_and_a_row_in_the_report(drawn_points: Path, tmp_path: Path) -> None:
    data = PointsDataModule(str(drawn_points), (48, 64), batch_size=4, flip_pairs=[])
    trainer = L.Trainer(
        **{"accelerator": "cpu", "max_epochs": 1, "log_every_n_steps": 1, "num_sanity_val_steps": 0},
        **{"enable_progress_bar": False, "enable_model_summary": False},
        logger=CSVLogger(str(tmp_path), name="run", version=""),
        callbacks=[ClassScores(), Mistakes(k=2), ValidationFrames(count=2)],
    )
    model = PointRegressor(**TINY)
    trainer.fit(model, data)
    run = tmp_path / "run"
    logged = {name: row[name] for row in table(run / "metrics.csv") for name in row if row[name]}
    assert {f"val/error_px/{name}" for name in NAMES} < {*logged}
    assert float(logged["val/error_px/nose"]) == pytest.approx(model.class_scores()["error_px"]["nose"], rel=1e-4)
    drawn = {path.name.split("-")[0] for path in (run / "figures").rglob("*.png")}
    assert len(drawn) == len([*(run / "figures").rglob("*.png")]) == 3, drawn
    page = write_report(run, data=data).read_text(encoding="utf-8")
    assert (
        "validation, point by point" in page
        and "Errors by class, tag, category or point in the validation samples" in page
    )
