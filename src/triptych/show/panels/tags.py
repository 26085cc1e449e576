"""Tags below their images."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from triptych.draw.batch import TILE_WIDTH, rgb
from triptych.draw.sheet import Tile, sheet
from triptych.draw.tags import tag_keys, tag_words
from triptych.draw.text import Word, sentence
from triptych.evaluation.confusion import TagConfusion
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
from triptych.tasks import MultiLabelClassifier


class TagPanel(ImagePanel[MultiLabelClassifier]):
    """Tags: as words below the image."""

    def results(self, predicted: Predicted) -> Figure:
        return sheet(self._tiles(predicted), self.results_columns, TILE_WIDTH["labels"], *tag_keys())

    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        tiles = with_losses(self._tiles(predicted), losses)
        return sheet(tiles, WORST_COLUMNS, TILE_WIDTH["labels"], *tag_keys())

    def predictions(self, images: Sequence[Pixels], names: Sequence[str], preds: Sequence[Tensor]) -> Figure:
        words = [sentence(", ".join(self._above_threshold(probabilities))) for probabilities in preds]
        tiles = [Tile(*tile) for tile in zip(images, names, words, strict=True)]
        return sheet(tiles, PREDICTION_COLUMNS, PREDICTION_WIDTH)

    def confusion(self) -> TagConfusion:
        return TagConfusion(self.model)

    def _tiles(self, predicted: Predicted) -> list[Tile]:
        tiles = []
        for (sample, logits), name in zip(predicted, names_of(predicted), strict=True):
            preds = logits.sigmoid() > self.model.hparams["threshold"]
            words = tag_words(preds, sample["labels"] > 0, self.model.tags) or [Word("no tags")]
            tiles.append(Tile(rgb(sample["image"]), name, words))
        return tiles

    def _above_threshold(self, probabilities: Tensor) -> list[str]:
        """Tags above the threshold with their probabilities, the most probable first."""
        order = probabilities.argsort(descending=True).tolist()
        chosen = probabilities > self.model.thresholds_by("fixed").cpu()
        return [f"{self.model.tags[i]} {probabilities[i]:.2f}" for i in order if chosen[i]]
