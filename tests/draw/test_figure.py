"""A figure as a notebook shows it."""

import io

from PIL import Image

from triptych.draw.figure import NotebookFigure


def test_a_notebook_gets_a_png_of_the_figures_own_size() -> None:
    figure = NotebookFigure(figsize=(2, 1), dpi=50)
    assert Image.open(io.BytesIO(figure._repr_png_())).size == (100, 50)
