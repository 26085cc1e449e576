"""Images and the table of their points."""

from triptych.datamodules.points import PointsDataModule
from triptych.datasets.files import list_images
from triptych.datasets.names import SampleNames
from triptych.datasets.points import Points, alike
from triptych.datasets.sample import Split
from triptych.doctor.attempts import Attempts
from triptych.doctor.findings import Finding
from triptych.doctor.inventory import Inventory, PointLabels
from triptych.doctor.sources.splits import split_names


class _AllPoints(Points):
    """The images of a table, readable or not; the checks look for points outside."""

    def _handle_outside(self, drop: bool) -> None:
        pass


def images_of_table(data: PointsDataModule) -> Inventory[PointLabels]:
    """See `take_inventory`."""
    attempt, table = Attempts(data.root), data.root / data.layout["table"]
    files = {name: data.root / name for name in list_images(data.root)}
    points = attempt("table", table, lambda: _AllPoints(data.root, **data.layout))
    spelling = ""
    if points is None:
        images, labels, splits = files, PointLabels({}, []), dict[Split, list[str]]()
    else:
        images = dict(zip(points.names, points.paths, strict=True))
        unused = [path for name, path in files.items() if name not in images]
        labels = PointLabels(dict(zip(points.names, points.points_px, strict=True)), unused)
        spelling = alike(points.labels)
        splits = split_names(data, SampleNames(images, data.root, data.root, noun=data.noun), attempt)
    faults = [*attempt.faults()]
    if spelling:
        faults.append(Finding("warning", "point-spelling", spelling, "correct the table if they are one."))
    return Inventory(data.root, data.noun, faults, splits, images, labels, data.group, data.scale)
