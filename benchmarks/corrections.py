"""Does training on a few corrections help on images like them, and what does it cost on the others?

A model is trained, and then used with a camera that it has never seen: streets at dusk, or portraits taken sideways. 16
of its images are corrected. The stage of `configs/recipes/*_corrections.yaml` then trains the model further, with and
without them, and all are scored on the other images of that camera and on the validation of the data set.

    python benchmarks/corrections.py [--only camvid|biwi] [--real DIR] [--seeds N]     DIR holds camvid or biwi
"""

import argparse
import logging
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import cv2
import lightning as L
import numpy as np
import numpy.typing as npt
from PIL import Image

from triptych import BIWIDataModule, CamVidDataModule, PointRegressor, PointsDataModule, UNetSegmenter
from triptych.datamodules.split_module import SplitDataModule
from triptych.datasets.biwi import BIWI
from triptych.datasets.camvid import CamVid
from triptych.datasets.sample import FileRecords
from triptych.files import save_csv
from triptych.runs.plain_yaml import read_yaml
from triptych.synthetic import make_portraits, make_streets
from triptych.tasks.base import TransferTask

RECIPES = Path(__file__).parents[1] / "configs" / "recipes"
CORRECTED, OTHERS = 16, 62
"""Numbers of corrections and of street frames of the other camera; drive 0001TP, the first in the real set, has 62."""
QUIET: dict[str, Any] = {
    **{"accelerator": "cpu", "logger": False, "enable_checkpointing": False},
    **{"enable_model_summary": False, "enable_progress_bar": False},
}
ROWS = {"before": None, "without corrections": False, "with corrections": True}
Pixels = npt.NDArray[np.uint8]


def dusk(image: Pixels, seed: int) -> Pixels:
    """A frame as a camera takes it after sunset: dark, bluish and noisy. Shape: uint8 (H, W, 3)."""
    light = (image / 255) ** 1.8 * np.array([70, 80, 110])
    return (light + np.random.default_rng(seed).normal(0, 6, image.shape)).clip(0, 255).astype(np.uint8)


def write_dusk(frames: CamVid, indices: Sequence[int], folder: Path) -> None:
    """Writes frames at dusk with their masks, as corrections are saved."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for index in indices:
        record, stem = frames[index], Path(frames.names[index]).stem
        Image.fromarray(dusk(record["image"], index)).save(folder / "images" / f"{stem}.png")
        Image.fromarray(record["mask"]).save(folder / "labels" / f"{stem}_P.png")
    (folder / "codes.txt").write_text("\n".join(frames.class_names))
    (folder / "valid.txt").write_text("\n".join(Path(frames.names[index]).stem for index in indices))


def write_sideways(frames: BIWI, indices: Sequence[int], folder: Path) -> None:
    """Writes portraits turned by a quarter with the centre of the head, as corrections are saved."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for index in indices:
        record, name = frames[index], f"images/{index:04d}.png"
        image, (x, y) = record["image"], record["keypoints"][0]
        Image.fromarray(cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)).save(folder / name)
        rows.append((name, x, len(image) - y, "valid"))
    save_csv(folder / "points.csv", ("path", "y_px", "x_px", "split"), rows)


@dataclass(frozen=True)
class Case:
    """A data set and a camera that is not in it.

    Args:
        name: Name of the data set, which is that of its recipe too.
        score: Name of the score.
        model: Builds the model.
        data: Builds the data without the other camera's images.
        others: All images of the other camera, as they are.
        write: Writes some of them, by index, as that camera takes them.
        written: Builds data from what was written, all of it for validation.
        epochs: Number of epochs of the training before.
    """

    name: str
    score: str
    model: Callable[..., TransferTask]
    data: Callable[..., SplitDataModule]
    others: FileRecords
    write: Callable[..., None]
    written: Callable[..., SplitDataModule]
    epochs: int = 8


def streets(folder: Path, real: Path | None) -> Case:
    """Streets by day; the other camera drives at dusk, a drive that is not in the training."""
    root = real / "camvid" if real else make_streets(folder / "streets", 200, (96, 128))
    held_out = {*(root / "valid.txt").read_text().split()}
    other = [name for name in CamVid(root).names if name not in held_out][:OTHERS]
    (folder / "others.txt").write_text("\n".join(other))
    sized = partial(CamVidDataModule, image_size=(96, 128), batch_size=8)
    data = partial(sized, str(root), test_list=str(folder / "others.txt"))
    others = CamVid(root, other)
    return Case("camvid", "mean_iou", UNetSegmenter, data, others, partial(write_dusk, others), sized)


def portraits(folder: Path, real: Path | None) -> Case:
    """Portraits; the other camera, held sideways, sees persons that are not in the training."""
    root = real / "biwi" if real else make_portraits(folder / "portraits", 14, 20, (120, 160))
    persons = sorted(path.name for path in root.iterdir())
    unseen = [person for person in persons if person != "13"][-4:]
    sized = {"image_size": (60, 80), "batch_size": 32}
    trained = [person for person in persons if person not in (*unseen, "13")]
    data = partial(BIWIDataModule, str(root), train_persons=trained, **sized)
    others = BIWI(root, unseen)
    written = partial(PointsDataModule, valid_column="split", **sized)
    return Case("biwi", "error_px", PointRegressor, data, others, partial(write_sideways, others), written)


CASES = {"camvid": streets, "biwi": portraits}


def fit(model: TransferTask, data: SplitDataModule, epochs: int, rates: Any, seed: int) -> None:
    L.seed_everything(seed, verbose=False)
    model.retune(max_lr=rates, freeze_to=0)
    L.Trainer(**QUIET, max_epochs=epochs, limit_val_batches=0).fit(model, data)


def score(model: TransferTask, data: SplitDataModule, name: str) -> float:
    (scores,) = L.Trainer(**QUIET).validate(model, data, verbose=False)
    return scores[f"val/{name}"]


def run(case: Case, folder: Path, seed: int) -> Iterator[tuple[str, float, float]]:
    """Name, score on the other camera's images and score on the validation, before and after each training."""
    order = np.random.default_rng(seed).permutation(len(case.others)).tolist()
    corrections, rest = folder / "corrections", folder / "rest"
    case.write(order[:CORRECTED], corrections)
    case.write(order[CORRECTED:], rest)
    stage: Mapping[str, Any] = read_yaml(RECIPES / f"{case.name}_corrections.yaml")["stages"][0]
    L.seed_everything(seed, verbose=False)
    model = case.model(encoder="timm-tf_efficientnet_lite0")
    model.configure_callbacks = list  # type: ignore[method-assign,assignment]  # no report in the terminal
    fit(model, case.data(seed=seed), case.epochs, [2e-4, 2e-3], seed)
    trained = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for name, corrected in ROWS.items():
        data = case.data(seed=seed, corrections=str(corrections) if corrected else None)
        if corrected is not None:
            model.load_state_dict(trained)
            fit(model, data, stage["epochs"], stage["max_lr"], seed)
        yield name, score(model, case.written(str(rest)), case.score), score(model, data, case.score)


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=CASES, help="one of the two")
    parser.add_argument("--real", type=Path, metavar="DIR", help="folder that holds camvid and biwi; without, made-up")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds to average over")
    options = parser.parse_args(args)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for words in ("LeafSpec.* is deprecated", "does not have many workers"):
        warnings.filterwarnings("ignore", message=f".*{words}")
    for name in [options.only] if options.only else CASES:
        found: dict[str, list[tuple[float, float]]] = {row: [] for row in ROWS}
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                case = CASES[name](Path(folder), options.real)
                for row, other, validation in run(case, Path(folder), seed):
                    found[row].append((other, validation))
                    print(f"{name}, seed {seed}, {row}: {other:.3f}, {validation:.3f}", file=sys.stderr)
        print(f"| {name}, {case.score} | images like those corrected | validation |\n| --- | --- | --- |")
        for row, of_seeds in found.items():
            other, validation = (fmean(values) for values in zip(*of_seeds, strict=True))
            print(f"| {row} | {other:.3f} | {validation:.3f} |", flush=True)


if __name__ == "__main__":
    main()
