"""What do the intervals of its scores cost a validation?

python benchmarks/interval_cost.py DIR [--size 192 256] [--rounds 5]

DIR is a CamVid folder; its `valid.txt` is validated with and without intervals, in turn.
"""

import argparse
import time
from collections.abc import Sequence

from side_by_side import side_by_side

from triptych import CamVidDataModule, UNetSegmenter
from triptych.evaluation.validate import validate
from triptych.metrics.image_counts import MaskCounts


class WithoutIntervals(UNetSegmenter):
    """Keeps nothing of single images."""

    def build_image_counts(self) -> MaskCounts:
        return None  # type: ignore[return-value]


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("root", metavar="DIR")
    parser.add_argument("--size", type=int, nargs=2, default=[192, 256], metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(args)
    height, width = options.size
    data = CamVidDataModule(options.root, (height, width), 8)
    network = {"encoder": "timm-tf_efficientnet_lite0", "encoder_weights": None}
    with_them, without = UNetSegmenter(**network), WithoutIntervals(**network)

    def seconds(model: UNetSegmenter) -> float:
        start = time.process_time()
        validate(model, data)
        assert model.split_scores is not None
        assert bool(model.split_scores.intervals) == (model is with_them)
        return time.process_time() - start

    medians = side_by_side({"with": lambda: seconds(with_them), "without": lambda: seconds(without)}, options.rounds)
    print(f"{height}x{width}: {medians['with'] / medians['without']:.3f} times the processor time with intervals")


if __name__ == "__main__":
    main()
