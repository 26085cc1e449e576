"""The scores of a task over a split, and what their intervals need."""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor
from torchmetrics import Metric

from triptych.datasets.sample import Input
from triptych.metrics.image_counts import ImageCounts
from triptych.metrics.kept_images import KeptImages
from triptych.tasks.split_scores import KeptCounts, SplitScores, images_of
from triptych.tasks.training import OneCycleTraining

_NOUNS = {"image": "image", "tokens": "text"}
"""What a sample of data of another package is called."""


class Scoring(OneCycleTraining):
    """The part of a task that scores: metrics updated batch by batch, logged once for each split.

    A subclass builds its metric in `build_scores`, updates it in `update_scores`, and for the intervals of its scores
    says in `build_image_counts` what scores single images.
    """

    input: ClassVar[Input]
    """The key of a sample's input."""
    scores: Metric
    """The metric that `update_scores` updates; created in `setup`, when the metadata is known."""
    kept_images: KeptImages | None
    """What is kept of each image for the intervals of the scores; None if single images are not scored."""

    def start_scores(self) -> None:
        """Builds the metrics, when the hyper-parameters are resolved."""
        self.scores, counts = self.build_scores(), self.build_image_counts()
        self.kept_images = None if counts is None else KeptImages(counts)

    @property
    def _datamodule(self) -> Any:
        return getattr(self._trainer, "datamodule", None)

    def build_scores(self) -> Metric:
        """Builds the metric that `update_scores` updates, from resolved hyper-parameters."""
        raise NotImplementedError

    def build_image_counts(self) -> ImageCounts | None:
        """Builds what scores single images, from resolved hyper-parameters; None if nothing does."""
        return None

    def scalar_scores(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.last_scores.items() if value.ndim == 0}

    def update_scores(self, preds: Tensor, batch: Any) -> None:
        """Updates `scores` with a batch."""
        raise NotImplementedError

    def keep_images(self, preds: Tensor, batch: Any) -> None:
        """Keeps what the intervals of the scores need of each image of a batch; called by `update_scores`."""
        if self.kept_images is not None:
            paths = batch.get("path", [""] * len(preds))
            self.kept_images.update(preds, batch[self.target], batch.get("size"), paths)

    def on_validation_epoch_end(self) -> None:
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:
        self._log_scores("test")

    def _log_scores(self, stage: str) -> None:
        """Logs the scalar scores; the first is shown on the progress bar."""
        self.last_scores = {name: value.cpu() for name, value in self.scores.compute().items()}
        scalars = [name for name, value in self.last_scores.items() if value.ndim == 0]
        for name in scalars:
            self.log(f"{stage}/{name}", self.last_scores[name], prog_bar=name == scalars[0])
        self.scores.reset()
        self.split_scores = self._split_scores(stage)

    def _split_scores(self, stage: str) -> SplitScores:
        """The last scores with what is known about the images that they are about; all processes call it."""
        images = KeptCounts.of(self.kept_images)
        how, units = images_of(self._datamodule, stage, images, _NOUNS[self.input])
        epoch = self.current_epoch + 1 if self.trainer.state.fn == "fit" else None
        return SplitScores(stage, how, units, self.scalar_scores(), images, epoch)


def supported_scores(names: Sequence[str], scores: Tensor, support: Tensor) -> dict[str, float]:
    """The scores of the classes with support, by class name. Shape: scores and support (C,)."""
    return {names[i]: float(scores[i]) for i in support.nonzero().flatten()}
