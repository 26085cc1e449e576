"""Points on their images."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from triptych.draw.batch import TILE_WIDTH, rgb, to_pixels
from triptych.draw.marks import mark_keys
from triptych.draw.sheet import Tile, sheet
from triptych.draw.text import sentence
from triptych.evaluation.confusion import PointErrors
from triptych.evaluation.top_losses import SampleLoss
from triptych.show.panels.base import (
    PREDICTION_COLUMNS,
    PREDICTION_WIDTH,
    WORST_COLUMNS,
    ImagePanel,
    Pixels,
    Predicted,
    names_of,
    with_losses,
)
from triptych.tasks import PointRegressor
from triptych.tasks.mistakes import missed_points


class PointPanel(ImagePanel[PointRegressor]):
    """Points: truth and prediction on one image."""

    no_confusion = "of one point"

    def results(self, predicted: Predicted) -> Figure:
        return sheet(self._tiles(predicted), self.results_columns, TILE_WIDTH["point"], mark_keys(predicted=True))

    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        tiles = with_losses(self._tiles(predicted), losses)
        return sheet(tiles, WORST_COLUMNS, TILE_WIDTH["point"], mark_keys(predicted=True))

    def predictions(self, images: Sequence[Pixels], names: Sequence[str], preds: Sequence[Tensor]) -> Figure:
        tiles = [
            Tile(image, name, points=points.tolist()) for image, name, points in zip(images, names, preds, strict=True)
        ]
        return sheet(tiles, PREDICTION_COLUMNS, PREDICTION_WIDTH, mark_keys(predicted=True)[1:])

    def confusion(self) -> PointErrors | None:
        return PointErrors(self.model) if len(self.model.point_names) > 1 else None

    def _tiles(self, predicted: Predicted) -> list[Tile]:
        """True and predicted points, and the error in pixels of the original frame."""
        tiles = []
        for (sample, preds), name in zip(predicted, names_of(predicted), strict=True):
            picture, target = rgb(sample["image"]), sample["point"]
            words = sentence(missed_points(preds, target, sample["size"], self.model.point_names))
            tiles.append(Tile(picture, name, words, to_pixels(target, picture), to_pixels(preds, picture)))
        return tiles
