"""What is the error of points, on images of the size that was trained and of twice the size, by the centres of cells?

Before, the outermost cells of the heat map had their centres on the edges of the image; now each cell has the middle of
its pixels. Both are trained alike: same weights at the start, same samples, same steps.

    python benchmarks/heatmap_centres.py DIR [--steps N] [--seeds N] [--size HEIGHT WIDTH]     DIR is BIWI's folder
"""

import argparse
import logging
import warnings
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import lightning as L

from triptych import BIWIDataModule, PointRegressor

TRAINER: dict[str, Any] = {
    **{"accelerator": "cpu", "logger": False, "enable_checkpointing": False},
    **{"enable_model_summary": False, "enable_progress_bar": False},
}
CENTRES = {"outermost on the edges": True, "middle of the pixels": False}


def errors_px(on_edges: bool, seed: int, options: argparse.Namespace) -> list[float]:
    """Mean error in pixels of the frames after a fit, at the size of the training and at twice the size."""
    L.seed_everything(seed, verbose=False)
    height, width = options.size
    data = BIWIDataModule(options.root, (height, width), batch_size=32, num_workers=1, seed=seed)
    model = PointRegressor(encoder="timm-tf_efficientnet_lite0", max_lr=3e-3)
    model.network.head.on_edges = on_edges
    model.configure_callbacks = list  # no report in the terminal
    trainer = L.Trainer(**TRAINER, max_epochs=-1, max_steps=options.steps, limit_val_batches=0)
    trainer.fit(model, data)
    found = []
    for scale in (1, 2):
        data.image_size = (scale * height, scale * width)
        (scores,) = L.Trainer(**TRAINER).validate(model, data, verbose=False)
        found.append(scores["val/error_px"])
    return found


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("root", metavar="DIR")
    parser.add_argument("--steps", type=int, default=300, help="steps of each fit")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds to average over")
    parser.add_argument("--size", type=int, nargs=2, default=[120, 160], metavar=("HEIGHT", "WIDTH"))
    options = parser.parse_args(args)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for words in ("LeafSpec.* is deprecated", "does not have many workers"):
        warnings.filterwarnings("ignore", message=f".*{words}")
    height, width = options.size
    print(f"error in pixels of the frames after {options.steps} steps at {height}x{width}")
    print(f"| centres of cells | at {height}x{width} | at {2 * height}x{2 * width} |\n| --- | --- | --- |")
    for name, on_edges in CENTRES.items():
        by_seed = [errors_px(on_edges, seed, options) for seed in range(options.seeds)]
        same, twice = (fmean(errors) for errors in zip(*by_seed, strict=True))
        print(f"| {name} | {same:.2f} | {twice:.2f} |", flush=True)


if __name__ == "__main__":
    main()
