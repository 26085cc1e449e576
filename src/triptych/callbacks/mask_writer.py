"""Predicted masks as files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import BasePredictionWriter
from PIL import Image
from torch import Tensor

from triptych.datamodules.samples import Sample
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.images import read_rgb
from triptych.show.overlay import overlay, palette_mask


class MaskWriter(BasePredictionWriter):
    """Writes `masks/NAME.png` (class ids, in CamVid's palette) and `overlays/NAME.png` (picture, colours and legend).

    Args:
        output_dir: Folder of the two; None stands for `predictions` in the checkpoint's run folder, or else in the
            trainer's.
    """

    def __init__(self, output_dir: str | None = None) -> None:
        super().__init__("batch")
        self.output_dir = output_dir
        self.folder = Path()
        self._source_of: dict[str, str] = {}

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.folder = Path(self.output_dir) if self.output_dir is not None else run_folder(trainer) / "predictions"
        self._source_of = {}
        for kind in ("masks", "overlays"):
            (self.folder / kind).mkdir(parents=True, exist_ok=True)

    def write_on_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: Any,
        prediction: Sequence[Tensor],
        batch_indices: Sequence[int] | None,
        batch: Sample,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        for path, mask in zip(batch["path"], prediction, strict=True):
            self._write(path, mask, pl_module.class_names)

    def _write(self, path: str, mask: Tensor, class_names: list[str]) -> None:
        colors, ids, name = class_colors(class_names), mask.cpu().numpy(), self._name(path)
        _save(palette_mask(ids, colors), self.folder / "masks" / name)
        _save(overlay(read_rgb(Path(path)), ids, colors, class_names), self.folder / "overlays" / name)

    def _name(self, path: str) -> str:
        """The picture's own name; numbered where another folder's picture has taken it."""
        name, number = f"{Path(path).stem}.png", 2
        while self._source_of.setdefault(name, path) != path:
            name, number = f"{Path(path).stem}-{number}.png", number + 1
        return name


def run_folder(trainer: L.Trainer) -> Path:
    """Where a run keeps its files: above its checkpoint's folder, or the trainer's own."""
    checkpoint = trainer.ckpt_path
    if checkpoint is not None and Path(checkpoint).parent.name == "checkpoints":
        return Path(checkpoint).parent.parent
    return Path(trainer.log_dir or trainer.default_root_dir)


def _save(picture: Image.Image, path: Path) -> None:
    """Under another name first, so that what has its name is whole."""
    half = path.with_name(f".{path.name}.part")
    try:
        picture.save(half, format="PNG")
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
