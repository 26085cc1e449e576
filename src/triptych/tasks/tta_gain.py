"""What test-time augmentation gains, and what it costs: a validation with and without it, image by image."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from rich.console import RenderableType
from rich.table import Table
from torch import Tensor

from triptych.metrics.bootstrap import LEVEL, difference_interval
from triptych.metrics.image_counts import ImageCounts, TagCounts
from triptych.metrics.kept_images import KeptImages
from triptych.metrics.units import Units
from triptych.tasks.split_scores import KeptCounts, draws_of


class TTAGain(KeptImages):
    """Compares averaged predictions with plain ones, of which it keeps what is needed.

    Args:
        counts: What is kept of each image.
        views: Number of views that are averaged.
        kwargs: See `torchmetrics.Metric`.
    """

    def __init__(self, counts: ImageCounts, views: int, **kwargs: Any) -> None:
        super().__init__(counts, **kwargs)
        self.views = views
        self.seconds: dict[str, list[float]] = {"plain": [], "averaged": []}

    def timed(self, name: str, predict: Callable[[], Tensor], device: torch.device) -> Tensor:
        """What `predict` returns; its time is kept under `name`."""
        start = time.perf_counter()
        preds = predict()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        self.seconds[name].append(time.perf_counter() - start)
        return preds

    def report(self, plain: KeptCounts, averaged: KeptCounts, units: Units) -> list[RenderableType]:
        """A table of the scores with and without, and a line about the time.

        Args:
            plain: What was kept of the plain predictions.
            averaged: What was kept of the averaged ones.
            units: The images.
        """
        both = {"plain": plain.kept, "averaged": averaged.kept}
        return [self._table(both, units), *self._threshold_line(both), self._time_line()]

    def _table(self, kept: dict[str, Tensor], units: Units) -> Table:
        plain, averaged = (units.sums(self.counts.summands(kept[name])) for name in ("plain", "averaged"))
        low, high = difference_interval(self.counts.scores, plain, averaged)
        before, after = (self.counts.scores(summands.sum(dim=0)) for summands in (plain, averaged))
        table = Table(title=f"tta, {self.views} views of each of {units.count} images", title_justify="left")
        table.add_column("score")
        for heading in ("without", "with", "change", f"{LEVEL:.0%} interval"):
            table.add_column(heading, justify="right")
        for name, *values in zip(self.counts.names, *map(Tensor.tolist, (before, after, low, high)), strict=True):
            was, now, least, most = values
            table.add_row(name, f"{was:#.4g}", f"{now:#.4g}", f"{now - was:+.2g}", f"{least:+.2g} to {most:+.2g}")
        table.caption = draws_of(units.words)
        return table

    def _threshold_line(self, kept: dict[str, Tensor]) -> list[str]:
        if not isinstance(self.counts, TagCounts):
            return []
        plain, averaged = (self.counts.best_threshold(kept[name]) for name in ("plain", "averaged"))
        return [
            f"best single threshold: {plain:.2f} without tta, {averaged:.2f} with it, chosen on these images; "
            f"`predict` takes {self.counts.threshold}, unless it is given --model.threshold {averaged:.2f}."
        ]

    def _time_line(self) -> str:
        plain, averaged = (median(self.seconds[name]) for name in ("plain", "averaged"))
        return (
            f"tta takes {averaged / plain:.2f} times as long: {averaged:.3f} s a batch instead of {plain:.3f} s "
            f"(medians of {len(self.seconds['plain'])} batches, measured in turn)."
        )
