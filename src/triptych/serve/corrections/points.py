"""Corrected points: `images/NAME.EXT` and `points.csv`, as `PointsDataModule` reads them."""

from pathlib import Path
from typing import Any

from triptych.errors import BadSampleError
from triptych.serve.corrections.layout import Layout, Size, parsed_list
from triptych.serve.corrections.table import refuse_unknown, rows_of, with_rows

_Places = dict[str, tuple[float, float]]


class PointLayout(Layout):
    """(y, x) in pixels of each point; one that was left out has empty cells. An image counts once it has its rows."""

    given_dir = "images"
    index = "points.csv"

    @property
    def is_named(self) -> bool:
        """Whether the points have names in the table; a single one needs none."""
        names = self.manifest.names
        return len(names) > 1 or bool(self.manifest.hyper_parameters.get("point_names"))

    @property
    def header(self) -> list[str]:
        """The headings of the table."""
        return ["path", *(["name"] if self.is_named else []), "y_px", "x_px"]

    def check(self, folder: Path) -> None:
        path = folder / self.index
        rows = [*rows_of(path, self.header)]
        if self.is_named:
            refuse_unknown(path, "points", {name for _, name, *_ in rows}, self.manifest.names)

    def label(self, data: bytes, size: Size) -> _Places:
        places: _Places = {}
        for one in parsed_list(data):
            name, place = _place(one, size)
            if name not in self.manifest.names or name in places:
                raise BadSampleError(
                    f"label: expected each point of {', '.join(self.manifest.names)} at most once, got {name!r}."
                )
            places[name] = place
        if not places:
            raise BadSampleError("label: expected at least one point, got none.")
        return places

    def files(self, folder: Path, stem: str, given: tuple[str, bytes], label: _Places) -> dict[Path, bytes]:
        (name, content), table = given, folder / self.index
        path, nowhere = f"{self.given_dir}/{name}", ("", "")
        rows = [
            [path, *([point] if self.is_named else []), *label.get(point, nowhere)] for point in self.manifest.names
        ]
        return {self.given_path(folder, name): content, table: with_rows(table, self.header, rows)}


def _place(one: Any, size: Size) -> tuple[str, tuple[float, float]]:
    """Name and (y, x) of a point that lies in its image."""
    match one:
        case {"name": str(name), "y": int(y) | float(y), "x": int(x) | float(x)}:
            pass
        case _:
            raise BadSampleError(f"label: expected points as name, y and x, got {str(one)[:60]}.")
    height, width = size
    if not (0 <= y < height and 0 <= x < width):
        raise BadSampleError(
            f"label: expected {name} inside of the image, y below {height} and x below {width}, got y {y} and x {x}."
        )
    return name, (float(y), float(x))
