"""What a task predicts with test-time augmentation."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import lightning as L
from rich.console import RenderableType
from torch import Tensor

from triptych.datasets.sample import Target
from triptych.metrics.image_counts import ImageCounts
from triptych.tasks.split_scores import KeptCounts, SplitScores
from triptych.tasks.tta_gain import TTAGain
from triptych.views import TTAChoice, View, views_of


class Averaging(L.LightningModule):
    """A LightningModule whose predictions may be means over views of an image; its training never sees them."""

    target: ClassVar[Target]
    """The key of a sample's target."""
    views: Sequence[View]
    """The views that are averaged; empty without test-time augmentation."""
    gain: TTAGain | None
    """The comparison of a validation or test with one without test-time augmentation; None if there is none."""
    last_gain: KeptCounts | None = None
    split_scores: SplitScores | None

    def average(self, images: Tensor, views: Sequence[View]) -> Tensor:
        """The mean of what is predicted for views of images, in the form of `forward`."""
        raise NotImplementedError

    def predicted(self, images: Tensor) -> Tensor:
        """What is predicted for images, in the form of `forward`: its output, or with `views` the mean over them."""
        preds: Tensor = self.average(images, self.views) if self.views else self(images)
        return preds

    @contextlib.contextmanager
    def averaging(self, tta: TTAChoice) -> Iterator[None]:
        """For a moment the views of another choice; those of the model for None."""
        own = self.views
        self.views = own if tta is None else views_of(tta)
        try:
            yield
        finally:
            self.views = own

    def start_gain(self, stage: str, counts: ImageCounts | None) -> None:
        """Starts a comparison, if `stage` is a validation or a test that averages views.

        Args:
            stage: The stage.
            counts: What scores single images; None if nothing does.
        """
        compares = bool(self.views) and stage in ("validate", "test")
        self.gain = TTAGain(counts, len(self.views)).to(self.device) if compares and counts is not None else None

    def evaluated(self, batch: Any) -> Tensor:
        """What is predicted for a batch; counted for the comparison, if there is one."""
        images = batch["image"]
        if self.gain is None:
            return self.predicted(images)
        plain = self.gain.timed("plain", lambda: self(images), self.device)
        averaged = self.gain.timed("averaged", lambda: self.predicted(images), self.device)
        paths = batch.get("path", [""] * len(plain))
        self.gain.update(plain.float(), batch[self.target], batch["size"], paths)
        return averaged

    def end_gain(self) -> None:
        """Keeps what was counted in all processes for `gain_report`."""
        if self.gain is not None:
            self.last_gain = KeptCounts.of(self.gain)

    def gain_report(self) -> list[RenderableType]:
        """Table and lines about the last comparison, for the terminal; empty if there was none."""
        scores = self.split_scores
        if self.gain is None or self.last_gain is None or scores is None or scores.images is None:
            return []
        return self.gain.report(self.last_gain, scores.images, scores.units)
