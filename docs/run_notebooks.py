"""Runs the notebooks on made-up data and saves them with their outputs: `python docs/run_notebooks.py [NAME ...]`."""

import base64
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

COLORS = 256
"""Number of colours of a saved figure: a third of the bytes, without a visible difference."""
FOLDER = Path(__file__).parents[1] / "notebooks"


def run(path: Path, folder: str | Path, timeout: int = 600) -> Any:
    """The notebook with its outputs, without time stamps or metadata of the machine.

    Args:
        path: The notebook.
        folder: Working directory, where it writes its data and logs.
        timeout: Seconds for each cell.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    )
    client.execute()
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


def compact(notebook: Any) -> Any:
    """The notebook with fewer colours in its figures, small enough to be committed and shown on a code host."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        if "image/png" in output.get("data", {}):
            figure = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
            png = io.BytesIO()
            few = figure.convert("RGB").quantize(
                COLORS, Image.Quantize.MAXCOVERAGE
            )  # keeps rare colours, such as a tag's
            few.save(png, "PNG", optimize=True)
            output.data["image/png"] = base64.b64encode(png.getvalue()).decode()
    return notebook


def main() -> None:
    """Runs the notebooks named as arguments, or all."""
    for path in [FOLDER / f"{name}.ipynb" for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(compact(run(path, folder)), path)


if __name__ == "__main__":
    main()
