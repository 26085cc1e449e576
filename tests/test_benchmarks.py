"""The scripts in `benchmarks/` import, and what they compute is right."""

import importlib
import math
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from triptych.lr_finder import DEFAULT_RULE

SCRIPTS = Path(__file__).parents[1] / "benchmarks"


pytestmark = pytest.mark.usefixtures("messages_as_before")  # a script's `main` sets them for its process


@pytest.fixture(autouse=True)
def _their_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_each_script_imports(script: str) -> None:
    module = importlib.import_module(script)
    assert module.__doc__
    assert script in {"side_by_side", "peer_job", "lr_cases"} or callable(module.main)


def test_a_compiler_pays_in_a_fit_that_is_long_enough() -> None:
    speed = importlib.import_module("compiled_step").speed_of_fit
    assert speed(1.25, compiler=60.0, seconds=300.0) == 1.0  # 300 s become 240 s
    assert speed(1.25, compiler=60.0, seconds=60.0) < 1 < speed(1.25, compiler=60.0, seconds=1200.0) < 1.25


def record(seed: int, fits: dict[float, float], before: float = 3.0, winner: int = 2) -> Any:
    """A case whose curve is flat, so that the rules of a curve keep 1e-3, around which a race starts at five rates."""
    case = "biwi, real, frozen, lite0, 48x64"
    trials = [[0.5 if number == winner else 1.0] * 40 for number in range(5)]
    return importlib.import_module("lr_cases").Record(case, seed, [1.0] * 60, before, fits, trials)


def test_a_measured_case_is_saved_and_read_again(tmp_path: Path) -> None:
    cases = importlib.import_module("lr_cases")
    fits = {1e-5: 2.0, 10**-2.5: 0.5, 1e-1: math.inf}
    for number, fit in enumerate((fits, {**fits, 1e-1: math.nan})):
        record(0, fit).save(tmp_path / f"{number}.json")
    assert cases.Record.load(tmp_path / "0.json") == cases.Record.load(tmp_path / "1.json")
    read = cases.Record.load(tmp_path / "0.json")
    assert (read.search, read.before, read.trials[2], read.fits[1e-1]) == ([1.0] * 60, 3.0, [0.5] * 40, math.inf)
    assert list(read.fits) == pytest.approx(list(fits), rel=1e-4)
    assert read.rates[0] == pytest.approx(1e-7) and len(read.rates) == 60


def test_a_regret_is_what_a_rate_loses_against_the_best_one_of_the_mean_over_seeds() -> None:
    rules = importlib.import_module("lr_rules")
    first = record(0, {1e-5: 3.0, 1e-3: 0.0, 1e-2: 1.0, 1e-1: math.nan})
    second = record(1, {1e-5: 2.0, 1e-3: 1.0, 1e-2: 0.0, 1e-1: 9.0}, winner=4)
    case = rules.Case([first, second])
    assert case.losses == {1e-5: 2.5, 1e-3: 0.5, 1e-2: 0.5, 1e-1: 3.0}
    assert case.best == 1e-3
    assert [case.regret(rate) for rate in (1e-5, 1e-4, 1e-3, 1e-1)] == pytest.approx([0.8, 0.4, 0.0, 1.0])
    assert case.regret(1e-9) == case.regret(100.0) == 1.0
    assert case.regrets("consensus") == [0.0, 0.0] and case.regrets("race") == pytest.approx([0.0, 0.0])
    assert case.row() == "| biwi, real, frozen, lite0, 48x64 | 1.0e-03 |" + " 0%, 0% |" * len(rules.SHOWN)
    uneven = rules.Case([first, record(1, second.fits, winner=0)])
    assert uneven.regrets("race") == [0.0, case.regret(4e-4)]
    assert uneven.mean_regret("race") == pytest.approx(case.regret(4e-4) / 2)
    medians, worst, worst_search, spread = (row.split(" | ")[-1] for row in rules.summary([uneven], "all"))
    half, whole = f"{case.regret(4e-4) / 2:.0%} |", f"{case.regret(4e-4):.0%} |"
    assert (medians, worst, worst_search, spread) == (half, half, whole, whole)
    nothing_gained = rules.Case([record(0, {1e-3: 3.0, 1e-2: 4.0})])
    assert nothing_gained.regret(1e-2) == 0.0


def test_what_is_not_yet_measured_whole_is_left_out_of_the_comparison(tmp_path: Path) -> None:
    whole = dict.fromkeys(importlib.import_module("lr_cases").GRID, 1.0)
    records = record(0, whole), replace(record(1, whole), trials=[]), record(2, {1e-3: 1.0})
    for each in records:
        each.save(tmp_path / f"biwi_real_frozen_lite0_48x64_{each.seed}.json")
    (case,) = importlib.import_module("lr_rules").read(tmp_path)
    assert [each.seed for each in case.records] == [0]


def test_the_halves_share_tasks_data_states_encoders_and_sizes_alike() -> None:
    keys = importlib.import_module("lr_cases").keys()
    colours = {key.case: key.colour for key in keys}
    assert len(colours) == 48
    for word in ("camvid", "biwi", "planet", "made-up", "real", ", frozen", "unfrozen", "lite0", "lite1", "48x64"):
        of_word = [colour for case, colour in colours.items() if word in case]
        assert sum(of_word) * 2 == len(of_word)
    assert len({key.file for key in keys}) == 144


def test_the_committed_cases_are_compared_without_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["lr_rules.py", "--picture", str(tmp_path / "regrets.png")])
    importlib.import_module("lr_rules").main()
    heading, *_, last = capsys.readouterr().out.splitlines()
    assert heading == "| case | best rate | steep | minimum | valley | slide | consensus | race |"
    assert last == f"smallest worst regret: {DEFAULT_RULE}"
    assert (tmp_path / "regrets.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("loss", "counts"), [(0.5, 0.5), (7.0, 2.0), (math.nan, 2.0), (math.inf, 2.0)])
def test_a_fit_that_gains_nothing_counts_as_none(loss: float, counts: float) -> None:
    assert importlib.import_module("lr_rules").counted(loss, before=2.0) == counts


def test_both_centres_of_cells_are_trained_and_compared_at_two_sizes(
    drawn_portraits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    importlib.import_module("heatmap_centres").main([str(drawn_portraits), "--steps", "2", "--size", "32", "48"])
    *_, heading, line, before, now = capsys.readouterr().out.splitlines()
    assert (heading, line) == ("| centres of cells | at 32x48 | at 64x96 |", "| --- | --- | --- |")
    errors = [[float(cell) for cell in row.split("|")[2:4]] for row in (before, now)]
    assert errors[0] != errors[1]
    assert all(0 < error < 80 for row in errors for error in row)  # the frames are 48x64


def _refuse(*_: Any) -> None:
    raise ValueError("encoder: expected another.\nIn more lines.")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        (lambda *_: os.kill(os.getpid(), signal.SIGKILL), "aborts (SIGKILL)"),
        (_refuse, "encoder: expected another."),
        (None, "yes"),
    ],
)
def test_a_crash_or_an_error_of_an_encoder_is_a_result(end: Any, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoders = importlib.import_module("encoders")
    trial = encoders.Trial(11_176_512, (1, 2, 4), has_own=True)
    monkeypatch.setattr(encoders, "steps", end or (lambda *_: trial))
    size, strides = ("11.2 M", "1, 2, 4") if end is None else ("0.0 M", "")
    assert encoders.row("a") == f"| `a` | {size} | {strides} | {verdict} | {verdict} |"


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [
        ("a xxmaj b", "xxmaj a b", "capitals"),
        ("a ... b", "a … b", "three dots"),
        ("---", "xxrep 3 -", "repeated characters"),
        ("mr. b", "mr . b", "case"),
        ("a b", "a c", "others"),
    ],
)
def test_a_place_where_tokens_differ_has_a_kind(ours: str, theirs: str, kind: str) -> None:
    found = [*importlib.import_module("imdb_tokens").places(ours.split(), theirs.split())]
    assert {place.kind.split(":")[0] for place in found} == {kind}
