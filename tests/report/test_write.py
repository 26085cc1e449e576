"""Reports of a recipe, of fits from the command line and of fits from a script, parsed as by a browser."""

import base64
import io
import json
import re
import shutil
from collections.abc import Mapping
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import browser
import pytest
import yaml
from command_line import QUIET, config_args, fails, printed_by, runs_in
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from small_fit import TINY, Case, data_of, fit

from triptych import write_report
from triptych.callbacks import ResumePoint
from triptych.datamodules.saved_data import saved_data
from triptych.lr_finder import find_lr
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.layout import RunLayout

pytestmark = [
    QUIET,
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]

ODD_CLASS = "Road <b>&"
ALWAYS = ["Scores", "Curves", "Validation", "Worst samples", "Environment", "Configuration"]
PICTURES = {"camvid": 5, "biwi": 3, "planet": 5}
"""Number of figures: losses, rates and worst samples; confusion; one search."""


class Reader(HTMLParser):
    """What a page shows and loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.sources: list[str] = []
        self.alts: list[str] = []
        self.links: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.words = ""
        self._inside = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.sources.append(values["src"])
            self.alts.append(values["alt"])
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
        elif tag == "h2":
            self.headings.append("")
        self.links += [values[name] for name in ("href", "srcset", "data", "action") if name in values]
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._inside in ("th", "td"):
            self.tables[-1][-1][-1] += data
        elif self._inside == "h2":
            self.headings[-1] += data

    def table(self, *headings: str) -> list[dict[str, str]]:
        """The rows of the only table that begins with these headings."""
        (rows,) = [rows for rows in self.tables if rows[0][: len(headings)] == list(headings)]
        return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


class Report(NamedTuple):
    """A run, its data and its report."""

    run: Path
    root: Path
    page: Path

    @property
    def read(self) -> Reader:
        return Reader(self.page)


def run_recipe(root: Path, folder: Path) -> Path:
    """Two stages from the command line, the second with larger images; the first finds its learning rate."""
    callback = {"class_path": "lightning.pytorch.callbacks.LearningRateMonitor"}
    logger = "lightning.pytorch.loggers.TensorBoardLogger"
    recipe = {
        "model": {"class_path": "triptych.UNetSegmenter", "init_args": TINY},
        "data": {
            "class_path": "triptych.CamVidDataModule",
            "init_args": {"root": str(root), "image_size": [32, 48], "batch_size": 4},
        },
        "stages": [
            {"name": "head", "freeze_to": -1, "epochs": 1, "max_lr": "find"},
            {"name": "all", "freeze_to": 0, "epochs": 1, "max_lr": [1e-4, 1e-3], "image_size": [64, 96]},
        ],
        "trainer": {
            **{"accelerator": "cpu", "log_every_n_steps": 1, "callbacks": [callback]},
            "logger": {"class_path": logger, "init_args": {"save_dir": str(folder), "name": "camvid"}},
        },
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("triptych.recipe.stage_run.find_lr", partial(find_lr, start=1e-5, end=0.1, num_steps=12))
        printed_by(["recipe", "--config", str(folder / "recipe.yaml")])
    return folder / "camvid" / "version_0"


def run_script(root: Path, folder: Path) -> Path:
    """A fit of points without a configuration."""
    logger = TensorBoardLogger(folder, "biwi", default_hp_metric=False)
    callbacks = [LearningRateMonitor("step"), ResumePoint()]
    fit(Case("biwi", epochs=1), root, folder, callbacks, logger=logger, log_every_n_steps=1)
    return folder / "biwi" / "version_0"


def run_fit(root: Path, folder: Path) -> Path:
    """A fit of tags from the command line, which finds its learning rate."""
    options = {"model.encoder": TINY["encoder"], "model.encoder_weights": "null", "model.max_lr": "find"}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("triptych.cli.app.find_lr", partial(find_lr, start=1e-5, end=0.1, num_steps=12))
        printed_by(["fit", *config_args("planet", root), *runs_in(folder), *words])
    return folder / "planet" / "version_0"


@pytest.fixture(scope="module")
def reports(
    drawn_streets: Path, drawn_portraits: Path, drawn_tiles: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Report]:
    """The reports by task; a test must not change them."""
    folder = tmp_path_factory.mktemp("reported")
    streets = Path(shutil.copytree(drawn_streets, folder / "streets"))
    codes = streets / "codes.txt"
    codes.write_text(re.sub(r"^Road$", ODD_CLASS, codes.read_text(), flags=re.MULTILINE))
    recipe = run_recipe(streets, folder)
    assert printed_by(["report", str(recipe)]) == f"report: {recipe / 'report.html'}\n"
    script = run_script(drawn_portraits, folder)
    data = data_of(Case("biwi"), drawn_portraits)
    tags = run_fit(drawn_tiles, folder)
    return {
        "camvid": Report(recipe, streets, recipe / "report.html"),
        "biwi": Report(script, drawn_portraits, write_report(script, folder / "elsewhere" / "biwi.html", data)),
        "planet": Report(tags, drawn_tiles, write_report(str(tags))),
    }


@pytest.fixture(params=["camvid", "biwi", "planet"])
def task(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def copied(reports: Mapping[str, Report], tmp_path: Path) -> Path:
    """A copy of the run of tags, without its report; a test may change it."""
    run = Path(shutil.copytree(reports["planet"].run, tmp_path / "planet" / "copy"))
    (run / "report.html").unlink()
    return run


def opens(source: str) -> bool:
    """Whether an image is embedded in the page and readable."""
    media, data = source.split(";base64,", 1)
    content = io.BytesIO(base64.b64decode(data, validate=True))
    if media == "data:image/svg+xml":
        root: Any = ElementTree.parse(content).getroot()
        return bool(root.tag.endswith("svg") and len(list(root.iter())) > 20)
    with Image.open(content) as picture:
        return media == "data:image/png" and len(picture.convert("RGB").getcolors(1 << 24)) > 20


def test_pictures_are_in_the_page_and_tables_are_filled(reports: Mapping[str, Report], task: str) -> None:
    read = reports[task].read
    assert len(read.sources) == PICTURES[task] and all(opens(source) for source in read.sources)
    assert all(read.alts) and len(set(read.alts)) == len(read.alts)
    for rows in read.tables:
        assert len({len(row) for row in rows}) == 1
        assert all(row[0] and any(row[1:]) for row in rows)
    extra = {"camvid": ["Plan and results", "Learning-rate search"], "biwi": [], "planet": ["Learning-rate search"]}
    assert sorted(read.headings) == sorted([*ALWAYS, *extra[task]])
    assert "Left out" not in read.words


def test_nothing_is_loaded_from_the_network(reports: Mapping[str, Report], task: str) -> None:
    content = reports[task].page.read_text(encoding="utf-8")
    assert all(link.startswith("#") for link in reports[task].read.links)
    assert not re.search(r"url\(|@import|<script|<link|<iframe", content)


@browser.NEEDED
@pytest.mark.slow
def test_a_browser_shows_all_of_it_in_a_narrow_window(reports: Mapping[str, Report], task: str, tmp_path: Path) -> None:
    page = reports[task].page
    seen = browser.seen(page, tmp_path, width=500)  # its narrowest
    assert seen["title"].endswith("version_0 · triptych report") and seen["headings"] == Reader(page).headings
    assert len(seen["images"]) == PICTURES[task] and min(seen["images"]) > 300
    assert len(seen["tables"]) == len(Reader(page).tables) and min(seen["tables"]) > 0
    assert (seen["loose_links"], seen["requests"]) == (0, [])
    assert (seen["width"], seen["too_wide"]) == (500, 0)


def test_a_recipe_has_its_stages_and_the_scores_of_the_last_one(reports: Mapping[str, Report]) -> None:
    report = reports["camvid"]
    read, summary = report.read, json.loads((report.run / "summary.json").read_text())
    stages = read.table("stage")
    assert [row["stage"] for row in stages] == ["head", "all"]
    assert [row["size"] for row in stages] == ["32x48", "64x96"]
    score = summary["stages"][-1]["scores"]["void_masked_accuracy"]
    (shown,) = [row["value"] for row in read.table("score", "value") if row["score"] == "val/void_masked_accuracy"]
    assert float(shown) == pytest.approx(score, abs=1e-4)
    assert "Finished stages took" in read.words


def test_the_class_table_has_names_as_they_are(reports: Mapping[str, Report]) -> None:
    rows = reports["camvid"].read.table("class")
    assert ODD_CLASS in [row["class"] for row in rows]
    assert rows[-1]["class"] == "all" and all(row["pixels"].endswith("%") for row in rows)


def test_tags_have_their_table_and_their_gain(reports: Mapping[str, Report]) -> None:
    read = reports["planet"].read
    rows = {row["tag"]: row for row in read.table("tag")}
    assert rows["primary"]["tiles"].isdigit() and "mean of tiles" in rows
    assert "F2 on tiles that the thresholds were not chosen on" in read.words


def test_points_have_their_error_and_the_hyper_parameters_of_a_script(reports: Mapping[str, Report]) -> None:
    words = reports["biwi"].read.words
    assert "val/error_px" in words
    assert "This run comes from a script, so there is no config.yaml" in words and "[0.0001, 0.01]" in words


def test_configuration_and_environment_are_those_of_the_run(reports: Mapping[str, Report], copied: Path) -> None:
    words = reports["planet"].read.words
    assert (copied / "config.yaml").read_text() in words
    checkpoint = read_checkpoint(RunLayout(copied).find_checkpoint())
    assert all(value in words for value in checkpoint["environment"].values())


def test_missing_data_are_reported_and_another_root_may_be_given(copied: Path, reports: Mapping[str, Report]) -> None:
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace(str(reports["planet"].root), "gone"))
    read = Reader(write_report(copied))
    assert read.words.count("Left out, because it needs the data of the run. ") == 2 and "gone" in read.words
    assert read.words.count("If the data were moved, pass --root DIR.") == 2
    assert [row for rows in read.tables for row in rows if row[0] == "tag"] == []
    printed_by(["report", str(copied), "--root", str(reports["planet"].root)])
    assert "Left out" not in Reader(copied / "report.html").words
    fails(["report", str(copied), "--root", "nowhere"], ".*nowhere.*")


@pytest.mark.parametrize("class_path", ["os.system", "a_trap.Thing", "triptych.UNetSegmenter", "subprocess.Popen"])
def test_what_a_configuration_names_is_neither_imported_nor_called(
    copied: Path, tmp_path: Path, trap: str, class_path: str
) -> None:
    config, ran = copied / "config.yaml", tmp_path / "ran"
    saved = yaml.safe_load(config.read_text())
    arguments = {"os.system": {"command": f"touch {ran}"}, "subprocess.Popen": {"args": ["touch", str(ran)]}}
    saved["data"] = {"class_path": class_path, "init_args": arguments.get(class_path, {})}
    config.write_text(yaml.safe_dump(saved))
    reason = f"config.yaml: data.class_path: expected a loaded subclass of TriptychDataModule, got {class_path}; "
    assert Reader(write_report(copied)).words.count(reason) == 2
    assert not ran.exists()
    with pytest.raises(ValueError, match="expected a loaded subclass"):
        saved_data(copied, root="anywhere")


def test_a_run_of_a_script_without_data_says_how_to_pass_them(reports: Mapping[str, Report], tmp_path: Path) -> None:
    words = Reader(write_report(reports["biwi"].run, tmp_path / "a.html")).words
    assert words.count("for a run of a script pass the data from Python, as the argument `data`.") == 2


def test_a_checkpoint_without_its_environment(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copied / "config.yaml").unlink()
    monkeypatch.setattr("triptych.report.write.read_checkpoint", lambda _: {})
    assert "The checkpoint does not say where it was trained" in Reader(write_report(copied)).words


def test_a_report_that_fails_leaves_the_one_before(
    copied: Path, reports: Mapping[str, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / "report.html").write_text("before")
    with pytest.raises(ValueError, match="MultiLabelClassifier predicts tags, but BIWIDataModule has points"):
        write_report(copied, data=data_of(Case("biwi"), reports["biwi"].root))
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(copied, data=data_of(Case("planet"), reports["planet"].root))
    monkeypatch.undo()
    assert [path.read_text() for path in copied.glob("*report*")] == ["before"]
    assert not list(copied.glob(".report*"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("nowhere", r"nowhere: expected the folder of a run with TensorBoard's logs .*, found none\."),
        ("bare", r"bare: expected a run folder with a checkpoint in checkpoints/, found none; .*"),
        ("bare --output .", r"\.: expected the path of a file to write, got a folder\."),
        ("bare --root there", r"bare/config\.yaml: expected the configuration that `triptych fit` saves, found none.*"),
        ("", r"expected `triptych report RUN \[--output FILE\] \[--root DIR\]`; .* required: RUN\."),
        ("bare --all", r"expected `triptych report RUN .*`; unrecognized arguments: --all\."),
    ],
)
def test_a_mistake_is_reported_in_one_line(
    reports: Mapping[str, Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: str, words: str
) -> None:
    (tmp_path / "bare").mkdir()
    for log in reports["planet"].run.glob("events.*"):
        shutil.copy(log, tmp_path / "bare")
    monkeypatch.chdir(tmp_path)
    fails(["report", *args.split()], words)
    assert not list(tmp_path.rglob("*.html"))


@pytest.mark.parametrize(("task", "pictures"), [("imdb", 4), ("language", 3)])
def test_models_of_texts_have_curves_scores_and_the_worst_texts(
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
