"""Masks as drawings."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from triptych.datasets.camvid_classes import class_colors
from triptych.draw.batch import rgb
from triptych.draw.masks import Classes, class_keys, error_keys, mark_wrong, paint
from triptych.draw.sheet import Tile, sheet
from triptych.draw.text import sentence
from triptych.evaluation.confusion import PixelConfusion
from triptych.evaluation.top_losses import SampleLoss
from triptych.metrics.functional import correct_and_labelled
from triptych.show.panels.base import (
    PREDICTION_COLUMNS,
    PREDICTION_WIDTH,
    WORST_COLUMNS,
    ImagePanel,
    Pixels,
    Predicted,
    loss_words,
    names_of,
)
from triptych.tasks import UNetSegmenter

_UNLABELLED = "no pixel is labelled"
_MASK_WIDTH, _ERROR_WIDTH = 4.2, 3.4  # inches; most descriptions of mistakes fit into one line


class MaskPanel(ImagePanel[UNetSegmenter]):
    """Segmentation: truth and prediction side by side."""

    results_columns = 1

    @property
    def classes(self) -> Classes:
        """The classes of a mask's ids."""
        names = self.model.class_names
        return Classes(names, class_colors(names), self.model.hparams["ignore_index"])

    def results(self, predicted: Predicted) -> Figure:
        tiles, masks, classes = [], [], self.classes
        for (sample, logits), name in zip(predicted, names_of(predicted), strict=True):
            ids = logits.argmax(dim=0)
            correct, labelled = correct_and_labelled(ids[None], sample["mask"][None], classes.ignore_index)
            score = f"{100 * correct / labelled:.1f} % of the labelled pixels correct" if labelled else _UNLABELLED
            for mask, above, below in ((sample["mask"], name, ""), (ids, "", score)):
                masks.append(mask.cpu().numpy())
                tiles.append(Tile(paint(rgb(sample["image"]), masks[-1], classes), above, sentence(below)))
        return sheet(tiles, 2, _MASK_WIDTH, class_keys(masks, classes), headings=("truth", "prediction"))

    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        tiles = []
        for one, (sample, logits), name in zip(losses, predicted, names_of(predicted), strict=True):
            ids, target = logits.argmax(dim=0).cpu().numpy(), sample["mask"].cpu().numpy()
            picture = mark_wrong(rgb(sample["image"]), ids, target, self.model.hparams["ignore_index"])
            tiles.append(Tile(picture, name, [*loss_words(one), *sentence(one.wrong)]))
        return sheet(tiles, WORST_COLUMNS, _ERROR_WIDTH, error_keys())

    def predictions(self, images: Sequence[Pixels], names: Sequence[str], preds: Sequence[Tensor]) -> Figure:
        masks, classes = [ids.long().numpy() for ids in preds], self.classes
        pictures = [paint(image, mask, classes) for image, mask in zip(images, masks, strict=True)]
        tiles = [Tile(picture, name) for picture, name in zip(pictures, names, strict=True)]
        return sheet(tiles, PREDICTION_COLUMNS, PREDICTION_WIDTH, class_keys(masks, classes))

    def confusion(self) -> PixelConfusion:
        return PixelConfusion(self.model)
