"""Candidates that only the tables of ablations use; what has helped is in the package."""

import random
from collections.abc import Sequence
from typing import Any

import albumentations as A
import torch
from torch import Tensor

from triptych import CamVidDataModule, MultiLabelClassifier, PlanetDataModule, UNetSegmenter
from triptych.datamodules.split import HeldOut
from triptych.tasks.segmentation import BALANCED
from triptych.transforms import Pipeline
from triptych.transforms.geometry import LessonGeometry, Matrix, zoom
from triptych.transforms.lighting import LessonLighting


class Zooming(LessonGeometry):
    """The lesson's geometry; half of the frames also shrink, and what is around them is void."""

    smallest = 1.0
    """Least factor of the frame's sides."""

    def draw(self, rng: random.Random, aspect: float) -> Matrix:
        matrix = super().draw(rng, aspect)
        if rng.random() < 0.5:
            matrix = zoom(self.smallest ** rng.random(), rng.random(), rng.random()) @ matrix
        return matrix


class Streets(CamVidDataModule):
    """Street frames with candidates for light, sharpness and scale.

    Args:
        root: See `CamVidDataModule`.
        light: Strength of gamma, saturation, hue and a shift of each colour, and of more brightness and contrast; 0
            takes the lesson's lighting, 1 is strong.
        blur: Probability that a frame is blurred or gets noise.
        smallest: Least factor of a shrunk frame's sides; 1 shrinks none.
        more: Further arguments of `CamVidDataModule`.
    """

    def __init__(self, root: str, *, light: float = 0.0, blur: float = 0.0, smallest: float = 1.0, **more: Any) -> None:
        self.light, self.blur, self.smallest = light, blur, smallest
        super().__init__(root, **more)

    def train_pipeline(self) -> Pipeline:
        geometry, lighting = super().train_pipeline().transforms
        if self.smallest < 1:
            geometry.__class__, geometry.smallest = Zooming, self.smallest
        transforms = [geometry, *(self._lights() if self.light else [lighting])]
        if self.blur:
            transforms.append(A.OneOf([A.GaussianBlur((3, 5)), A.GaussNoise((0.01, 0.05))], p=self.blur))
        return Pipeline(transforms)

    def _lights(self) -> list[A.ImageOnlyTransform]:
        v = self.light
        saturation, hue = (1 - 0.6 * v, 1 + 0.6 * v), (-0.03 * v, 0.03 * v)
        return [
            LessonLighting(max_lighting=0.2 + 0.3 * v, p_lighting=0.75),
            A.RandomGamma((100 - 40 * v, 100 + 60 * v), p=0.5),
            A.ColorJitter(brightness=(1, 1), contrast=(1, 1), saturation=saturation, hue=hue, p=0.5),
            A.RGBShift(20 * v, 10 * v, 20 * v, p=0.5),
        ]


class Segmenter(UNetSegmenter):
    """A U-Net whose balanced weights are proportional to fraction ** -power; 0.5 is what `balanced` means.

    Args:
        power: How far rare classes are raised; 0 weights all equally.
        more: Arguments of `UNetSegmenter`.
    """

    def __init__(self, *, power: float = 0.5, **more: Any) -> None:
        super().__init__(**more)

    def prepare(self, datamodule: Any) -> None:
        if self.hparams["class_weights"] == BALANCED:
            counts, power = datamodule.class_counts(), self.hparams["power"]
            raw = [count**-power if count else 0.0 for count in counts]
            mean = sum(weight * count for weight, count in zip(raw, counts, strict=True)) / sum(counts)
            self.save_hyperparameters({"class_weights": [weight / mean for weight in raw]})


class Tiles(PlanetDataModule):
    """Tiles split by their row: fold k of five holds out rows k, k + 5, k + 10 ...

    Args:
        root: See `PlanetDataModule`.
        fold: k.
        more: Further arguments of `PlanetDataModule`.
    """

    def __init__(self, root: str, *, fold: int | None = None, **more: Any) -> None:
        self.fold = fold
        super().__init__(root, **more)

    @property
    def ways(self) -> dict[str, Any]:
        return {**super().ways, "fold": self.fold}

    def by_fold(self, names: Sequence[str]) -> HeldOut:
        """Holds out every fifth row of the table."""
        row = {name: index for index, name in enumerate(self.tiles.names)}
        return HeldOut([name for name in names if row[self._tile_of[name]] % 5 == self.fold], f"fold {self.fold}")


class Tagger(MultiLabelClassifier):
    """Tags with mixup: images and labels of a batch are mixed with those of another order.

    Args:
        mixup: a of the share, from Beta(a, a); 0 mixes nothing.
        more: Arguments of `MultiLabelClassifier`.

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018; shares of at least one half as in fastai.
    """

    def __init__(self, *, mixup: float = 0.0, **more: Any) -> None:
        super().__init__(**more)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        if a := self.hparams["mixup"]:
            drawn = torch.distributions.Beta(a, a).sample((len(batch["labels"]), 1))
            share, order = torch.maximum(drawn, 1 - drawn).to(batch["labels"]), torch.randperm(len(drawn))
            image, labels, of_image = batch["image"].float(), batch["labels"], share[:, :, None, None]
            mixed = of_image * image + (1 - of_image) * image[order], share * labels + (1 - share) * labels[order]
            batch = {**batch, "image": mixed[0], "labels": mixed[1]}
        return super().training_step(batch, batch_idx)
