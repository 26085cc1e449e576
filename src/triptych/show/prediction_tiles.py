"""One sample and what a model made of it."""

from torch import Tensor

from triptych.datamodules.samples import Sample
from triptych.show.batch import on_picture, rgb
from triptych.show.flowing_text import Word, sentence
from triptych.show.mask_colors import mark_wrong
from triptych.show.mistakes import missed_points
from triptych.show.sheet import Tile
from triptych.show.tag_words import tag_words
from triptych.tasks import MultiLabelClassifier, UNetSegmenter


def error_tile(model: UNetSegmenter, sample: Sample, logits: Tensor, name: str) -> Tile:
    """The wrong pixels. Shape: logits (C, H, W)."""
    ids, target = logits.argmax(dim=0).cpu().numpy(), sample["mask"].cpu().numpy()
    return Tile(mark_wrong(rgb(sample), ids, target, model.hparams["ignore_index"]), name)


def point_tile(sample: Sample, preds: Tensor, name: str) -> Tile:
    """Both points, and the miss in pixels of the original frame. Shape: preds (P, 2), (y, x) in [-1, 1]."""
    picture, target = rgb(sample), sample["point"]
    words = sentence(missed_points(preds, target, sample["size"]))
    return Tile(picture, name, words, on_picture(target, picture), on_picture(preds, picture))


def tag_tile(model: MultiLabelClassifier, sample: Sample, logits: Tensor, name: str) -> Tile:
    """The tags found, missed and invented. Shape: logits (L,)."""
    given = logits.sigmoid() > model.hparams["threshold"]
    words = tag_words(given, sample["labels"] > 0, model.tags) or [Word("no tags")]
    return Tile(rgb(sample), name, words)
