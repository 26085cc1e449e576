"""Candidates that only the tables of ablations use; what has helped is in the package."""

import random
from collections.abc import Sequence
from typing import Any

import albumentations as A
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from triptych import CamVidDataModule, PlanetDataModule, UNetSegmenter
from triptych.datamodules.split import HeldOut
from triptych.models.unet import UNet
from triptych.tasks.segmentation import BALANCED, balanced_weights
from triptych.transforms import Pipeline
from triptych.transforms.geometry import LessonGeometry, Matrix, zoom
from triptych.transforms.lighting import LessonLighting


class Geometry(LessonGeometry):
    """The lesson's geometry with a candidate, which is an attribute."""

    smallest = 1.0
    """Least factor of a shrunk frame's sides; what is around it is void. Below 1 half of the frames shrink."""

    def draw(self, rng: random.Random, aspect: float) -> Matrix:
        matrix = super().draw(rng, aspect)
        if self.smallest < 1 and rng.random() < 0.5:
            matrix = zoom(self.smallest ** rng.random(), rng.random(), rng.random()) @ matrix
        return matrix


class Streets(CamVidDataModule):
    """Street frames with candidates for light, sharpness and scale.

    Args:
        root: See `CamVidDataModule`.
        light: Strength of gamma, saturation, hue and a shift of each colour, and of more brightness and contrast; 0
            takes the lesson's lighting, 1 is strong.
        blur: Probability that a frame is blurred or gets noise.
        gray: Probability that a frame loses its colours.
        smallest: Least factor of a shrunk frame's sides; 1 shrinks none.
        more: Further arguments of `CamVidDataModule`.
    """

    def __init__(
        self,
        root: str,
        *,
        light: float = 0.0,
        blur: float = 0.0,
        gray: float = 0.0,
        smallest: float = 1.0,
        **more: Any,
    ) -> None:
        self.light, self.blur, self.gray, self.smallest = light, blur, gray, smallest
        super().__init__(root, **more)

    def train_pipeline(self) -> Pipeline:
        geometry, lighting = super().train_pipeline().transforms
        geometry.__class__, geometry.smallest = Geometry, self.smallest
        transforms = [geometry, *(self._lights() if self.light else [lighting])]
        if self.gray:
            transforms.append(A.ToGray(p=self.gray))
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


class StreetUNet(UNet):
    """A U-Net with candidates for its decoder and its input.

    Args:
        channels: Channels of the decoder's blocks, coarsest first.
        attention: smp's attention of the decoder, such as `scse`.
        dropout: Probability that a channel before the last layer is dropped.
        exposure: Whether each frame gets the mean and the spread of an average one.
        more: Arguments of `UNet`.
    """

    def __init__(
        self, channels: Sequence[int], attention: str | None, dropout: float, exposure: bool, *more: Any
    ) -> None:
        super().__init__(*more)
        self.exposure, num_classes = exposure, self.head[0].out_channels
        self.decoder = smp.decoders.unet.decoder.UnetDecoder(
            self.out_channels, channels, n_blocks=len(channels), attention_type=attention
        )
        head = smp.base.SegmentationHead(channels[-1], num_classes)
        smp.base.initialization.initialize_decoder(self.decoder)
        smp.base.initialization.initialize_head(head)
        self.head = nn.Sequential(nn.Dropout2d(dropout), *head) if dropout else head
        self.complete()

    def normalize(self, images: Tensor) -> Tensor:
        if self.exposure:
            pixels = images.float()
            spread, mean = torch.std_mean(pixels, dim=(1, 2, 3), keepdim=True)
            images = (pixels - mean) / (spread + 1) * 64 + 115
        return super().normalize(images)


class Segmenter(UNetSegmenter):
    """A U-Net whose balanced weights are proportional to fraction ** -power; `balanced` means 0.25, and meant 0.5.

    Args:
        power: How far rare classes are raised; 0 weights all equally.
        channels: See `StreetUNet`, as for the following three.
        attention: Attention of the decoder.
        dropout: Dropout before the last layer.
        exposure: Whether frames are made equally bright.
        cutmix: Probability that a batch's frames get a rectangle of another frame, of 10 to 50 % of the area.
        more: Arguments of `UNetSegmenter`.
    """

    def __init__(
        self,
        *,
        power: float = 0.5,
        channels: Sequence[int] = (256, 128, 64, 32, 16),
        attention: str | None = None,
        dropout: float = 0.0,
        exposure: bool = False,
        cutmix: float = 0.0,
        **more: Any,
    ) -> None:
        super().__init__(**more)

    def build_network(self) -> UNet:
        h = self.hparams
        more = (h["num_classes"], h["encoder"], h["encoder_weights"], h["in_channels"])
        return StreetUNet(h["channels"], h["attention"], h["dropout"], h["exposure"], *more)

    def prepare(self, datamodule: Any) -> None:
        if self.hparams["class_weights"] == BALANCED:
            weights = balanced_weights(datamodule.class_counts(), self.hparams["power"])
            self.save_hyperparameters({"class_weights": weights})
        super().prepare(datamodule)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        if torch.rand(()) < self.hparams["cutmix"]:
            where = _rectangle(batch["mask"])
            image = torch.where(where[:, None], batch["image"].roll(1, 0), batch["image"])
            batch = {**batch, "image": image, "mask": torch.where(where, batch["mask"].roll(1, 0), batch["mask"])}
        return super().training_step(batch, batch_idx)


def _rectangle(mask: Tensor) -> Tensor:
    """A rectangle at the same place in each frame, of 10 to 50 % of the area. Shape: (N, H, W)."""
    height, width = mask.shape[-2:]
    side = float(torch.empty(()).uniform_(0.1, 0.5).sqrt())
    rows, columns = int(side * height), int(side * width)
    row, column = int(torch.randint(height - rows, ())), int(torch.randint(width - columns, ()))
    where = torch.zeros_like(mask, dtype=torch.bool)
    where[:, row : row + rows, column : column + columns] = True
    return where


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
