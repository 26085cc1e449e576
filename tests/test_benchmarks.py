"""The scripts in `benchmarks/` import, and what they compute is right."""

import importlib
import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[1] / "benchmarks"


pytestmark = pytest.mark.usefixtures("messages_as_before")  # a script's `main` sets them for its process


@pytest.fixture(autouse=True)
def _their_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_each_script_imports(script: str) -> None:
    module = importlib.import_module(script)
    assert module.__doc__
    assert script in {"side_by_side", "peer_job"} or callable(module.main)


def test_a_compiler_pays_in_a_fit_that_is_long_enough() -> None:
    speed = importlib.import_module("compiled_step").speed_of_fit
    assert speed(1.25, compiler=60.0, seconds=300.0) == 1.0  # 300 s become 240 s
    assert speed(1.25, compiler=60.0, seconds=60.0) < 1 < speed(1.25, compiler=60.0, seconds=1200.0) < 1.25


def test_a_regret_is_what_a_rule_loses_against_the_best_rate() -> None:
    rules = importlib.import_module("lr_rules")
    losses = {1e-5: 2.0, 1e-3: 0.5, 1e-2: 1.0, 1e-1: 3.0}
    suggested = {"steep": 1e-3, "minimum": 1e-2, "valley": 1e-5, "slide": 1e-2}
    case = rules.Case("camvid, made-up, frozen", 3.0, losses, suggested)
    assert case.best == 1e-3
    assert [case.excess(rule) for rule in suggested] == [0.0, 0.5, 1.5, 0.5]
    assert [case.regret(rule) for rule in suggested] == [0.0, 0.2, 0.6, 0.2]
    assert case.row().startswith("| camvid, made-up, frozen | 3.0000 | 0.5000 at 1.0e-03 | 1.0e-03: 0.0000 (0%) |")


def test_the_rule_with_the_smallest_worst_regret_is_named() -> None:
    rules = importlib.import_module("lr_rules")
    losses = {1e-4: 1.0, 1e-3: 0.0, 1e-2: 0.5}
    often_best = rules.Case("a", 1.0, losses, {"steep": 1e-3, "minimum": 1e-2, "valley": 1e-3, "slide": 1e-4})
    nothing_gained = rules.Case("b", 1.0, {1e-3: 1.0}, dict.fromkeys(rules.RULES, 1e-3), kept=True)
    once_bad = rules.Case("c", 1.0, losses, {"steep": 1e-4, "minimum": 1e-2, "valley": 1e-4, "slide": 1e-3})
    cases = [often_best, nothing_gained, once_bad]
    assert rules.worst_regrets(cases) == {"steep": 1.0, "minimum": 0.5, "valley": 1.0, "slide": 1.0}
    assert rules.least_worst(cases) == "minimum"
    assert "b (rate kept)" in nothing_gained.row() and nothing_gained.regret("steep") == 0.0


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
