"""The notebooks: they run, what they tell is true, and what is committed has the form of what running them gives."""

import copy
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS.parent / "notebooks"
NAMES = ["biwi", "camvid", "imdb", "planet"]
DRAWS = re.compile(r"\.(show_\w+|plot_\w+|figure)\(.*\)$", re.MULTILINE)
MACHINE = re.compile(r"(?<![\w.])/(tmp|home|root|work|Users|usr)/")
LIMIT_SECONDS = 240
"""For each cell."""

SHORTER = {
    r"epochs=\d+": "epochs=1",
    "num_steps=60": "num_steps=20",
    "num_frames=100": "num_frames=40",
    "frames_per_person=12": "frames_per_person=6",
    "num_tiles=300": "num_tiles=90",
    r"num_train=\d+, num_valid=\d+": "num_train=200, num_valid=40",
}
"""What is replaced before a run: a whole notebook takes a minute and more, for the same code."""

CLAIMS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "camvid": (r"([\d.]+)% of the labelled pixels are right", lambda percent: percent > 80),
    "biwi": (r"mean miss: ([\d.]+) pixels", lambda pixels: pixels < 6),
    "imdb": (r"([\d.]+)% of the held-out reviews are right", lambda percent: percent > 85),
    "planet": (r"F2 ([\d.]+) on the held-out tiles", lambda f2: f2 > 0.85),
}
"""What a notebook prints of its last score after a whole run, and whether it is as good as its text says."""


class Pair(NamedTuple):
    """A notebook as it is committed, and after a shorter run."""

    committed: Any
    executed: Any


@pytest.fixture(scope="module", params=NAMES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp(request.param)
    committed = nbformat.read(FOLDER / f"{request.param}.ipynb", as_version=4)
    nbformat.write(shorter(committed), folder / "shorter.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        run = importlib.import_module("run_notebooks").run
    return Pair(committed, run(folder / "shorter.ipynb", folder, LIMIT_SECONDS))


def shorter(notebook: Any) -> Any:
    """A copy that trains for fewer steps on fewer samples."""
    changed = copy.deepcopy(notebook)
    for cell in code_cells(changed):
        for long, short in SHORTER.items():
            cell.source = re.sub(long, short, cell.source)
    return changed


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def forms(cell: Any) -> list[tuple[str, list[str]]]:
    """What kinds of output a cell has; lines that are printed one by one count as one."""
    kinds = [(output.output_type, sorted(output.get("data", {}))) for output in cell.outputs]
    return [kind for number, kind in enumerate(kinds) if kind[0] != "stream" or kinds[number - 1 : number] != [kind]]


def text_of(notebook: Any) -> str:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "\n".join(output.get("text", output.get("data", {}).get("text/plain", "")) for output in outputs)


def test_every_notebook_has_its_test() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_has_15_to_25_short_cells(name: str) -> None:
    cells = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells
    assert 15 <= len(cells) <= 25
    assert [cell.source for cell in cells if cell.cell_type == "code" and len(cell.source.splitlines()) > 12] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_file_is_small_and_says_nothing_of_a_machine(name: str) -> None:
    path = FOLDER / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert path.stat().st_size < 1_500_000
    assert MACHINE.search(text_of(notebook)) is None
    assert notebook.metadata == {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    assert [cell.metadata for cell in notebook.cells if cell.metadata] == []


@pytest.mark.slow
def test_a_run_prints_no_warnings(pair: Pair) -> None:
    streams = [
        output for cell in code_cells(pair.executed) for output in cell.outputs if output.output_type == "stream"
    ]
    assert [output.text for output in streams if output.name != "stdout"] == []


@pytest.mark.slow
def test_every_figure_is_shown_once(pair: Pair) -> None:
    drawn = [cell for cell in code_cells(pair.executed) if DRAWS.search(cell.source)]
    assert len(drawn) >= 6
    images = {cell.source: sum("image/png" in output.get("data", {}) for output in cell.outputs) for cell in drawn}
    assert set(images.values()) == {1}, images


@pytest.mark.slow
def test_a_run_gives_outputs_of_the_committed_kinds(pair: Pair) -> None:
    for ours, theirs in zip(code_cells(pair.committed), code_cells(pair.executed), strict=True):
        assert forms(ours) == forms(theirs), ours.source


@pytest.mark.slow
def test_a_run_prints_its_score(pair: Pair) -> None:
    lines = [re.findall(line, text_of(pair.executed)) for line, _ in CLAIMS.values()]
    assert sum(map(bool, lines)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_score_is_as_good_as_the_text_says(name: str) -> None:
    line, is_reached = CLAIMS[name]
    found = re.findall(line, text_of(nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)))
    assert found and is_reached(float(found[-1])), found
