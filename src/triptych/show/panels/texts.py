"""Texts with what a classifier says of them, or with what a language model expected."""

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from matplotlib.figure import Figure
from torch import Tensor

from triptych.draw.sheet import Tile, sheet
from triptych.draw.text import Word, sentence
from triptych.draw.texts import TEXT_COLUMNS, TEXT_WIDTH, answer, shade_keys, text_tile
from triptych.evaluation.confusion import CategoryConfusion
from triptych.evaluation.top_losses import SampleLoss
from triptych.metrics.token_scores import NO_TOKEN
from triptych.show.panels.base import Panel, Predicted, loss_words, names_of
from triptych.tasks import LanguageModel, TextClassifier
from triptych.tasks.texts import TextTask

_OfText = TypeVar("_OfText", bound=TextTask)


class _TextPanel(Panel[_OfText]):
    """Texts, of which some may have no target; see `show_prediction`."""

    results_columns = TEXT_COLUMNS

    def tokens(self, ids: Tensor) -> list[str]:
        """The tokens of ids (T,)."""
        assert self.model.vocab is not None
        return self.model.vocab.tokens(ids.tolist())


class TextPanel(_TextPanel[TextClassifier]):
    """Categories: the text, and below it the predicted one with its probability, and the true one."""

    def results(self, predicted: Predicted) -> Figure:
        return sheet(list(self._tiles(predicted, [[]] * len(predicted))), self.results_columns, TEXT_WIDTH)

    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        return sheet(list(self._tiles(predicted, [loss_words(one) for one in losses])), TEXT_COLUMNS, TEXT_WIDTH)

    def confusion(self) -> CategoryConfusion:
        return CategoryConfusion(self.model)

    def _tiles(self, predicted: Predicted, before: Sequence[Sequence[Word]]) -> Iterator[Tile]:
        categories = self.model.categories
        for (sample, logits), name, words in zip(predicted, names_of(predicted), before, strict=True):
            probability, best = logits.softmax(dim=0).max(dim=0)
            truth = categories[int(sample["category"])] if "category" in sample else None
            said = answer(categories[int(best)], float(probability), truth)
            yield text_tile(name, self.tokens(sample["tokens"]), [*words, *said])


class LanguagePanel(_TextPanel[LanguageModel]):
    """Next tokens: each token by whether it was predicted, and by its probability."""

    no_confusion = "of as many classes as tokens"

    def results(self, predicted: Predicted) -> Figure:
        return self._sheet(predicted, [[]] * len(predicted))

    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        return self._sheet(predicted, [loss_words(one) for one in losses])

    def _sheet(self, predicted: Predicted, before: Sequence[Sequence[Word]]) -> Figure:
        tiles = [
            self._tile(name, sample["tokens"], sample["next"], logits, words)
            for (sample, logits), name, words in zip(predicted, names_of(predicted), before, strict=True)
        ]
        keys = shade_keys("predicted, the stronger the more probable", "not predicted, the stronger the less probable")
        return sheet(tiles, TEXT_COLUMNS, TEXT_WIDTH, keys)

    def _tile(self, name: str, tokens: Tensor, following: Tensor, logits: Tensor, before: Sequence[Word]) -> Tile:
        known = following != NO_TOKEN
        following, logits = following[known], logits[: len(known)][known]
        shown = self.tokens(torch.cat([tokens[:1], following]))
        wrong = sentence(self.model.describe_mistake(logits, following, known.sum()))
        return text_tile(name, shown, [*before, *wrong], [0.0, *_weights(logits, following)])


def _weights(logits: Tensor, following: Tensor) -> list[float]:
    """Weight of each token in [-1, 1]: its probability if it was predicted; else how improbable it was, less than 0.

    The last is its negative log probability over that of a guess among all tokens, at most 1.
    """
    log_probabilities = logits.log_softmax(dim=1)
    of_next = log_probabilities.gather(1, following[:, None])[:, 0]
    surprise = (of_next / math.log(logits.shape[1])).clamp(min=-1)
    return of_next.exp().where(logits.argmax(dim=1) == following, surprise).tolist()
