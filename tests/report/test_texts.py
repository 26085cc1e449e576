"""Reports of a classifier of texts and of a language model."""

from pathlib import Path

import pytest
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import TensorBoardLogger
from small_fit import Case, data_of, fit
from test_write import ALWAYS, Reader, opens

from triptych import write_report
from triptych.callbacks import ResumePoint

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]


@pytest.mark.parametrize(("task", "pictures"), [("imdb", 4), ("language", 3)])
def test_the_page_has_curves_scores_and_the_worst_texts(
    task: str, pictures: int, drawn_reviews: Path, tmp_path: Path
) -> None:
    logger = TensorBoardLogger(tmp_path, task, default_hp_metric=False)
    callbacks = [LearningRateMonitor("step"), ResumePoint()]
    case = Case(task, epochs=1)
    fit(case, drawn_reviews, tmp_path, callbacks, logger=logger, log_every_n_steps=1)
    page = write_report(tmp_path / task / "version_0", data=data_of(case, drawn_reviews))  # type: ignore[arg-type]
    read = Reader(page)
    assert sorted(read.headings) == sorted(ALWAYS) and "Left out" not in read.words
    assert len(read.sources) == pictures and all(opens(source) for source in read.sources)
    assert "with an AWD-LSTM of 2 layers with 12 units" in read.words
    if task == "imdb":
        assert {"negative", "positive", "accuracy"} < {row["category"] for row in read.table("category")}
    else:
        assert "val/perplexity" in read.words
