"""A figure that a notebook shows."""

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """Is shown where it stands last in a cell, also before `%matplotlib inline` or an import of pyplot."""

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png", pil_kwargs={"optimize": True})
        return png.getvalue()
