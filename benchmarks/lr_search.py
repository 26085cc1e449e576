"""How long does a learning-rate search of 100 steps take, compared with a fit of 100 steps?

python benchmarks/lr_search.py [DIR]     on made-up tiles, or on the tiles in DIR
"""

import sys
import tempfile
from typing import Any

import lightning as L
from side_by_side import side_by_side

from triptych import MultiLabelClassifier, PlanetDataModule, find_lr
from triptych.synthetic import make_tiles
from triptych.trainer.precision import fastest_precision

STEPS = 100


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = sys.argv[1] if sys.argv[1:] else str(make_tiles(f"{folder}/tiles"))
        data = PlanetDataModule(root, image_size=(64, 64), batch_size=16, num_workers=1)
        model = MultiLabelClassifier(encoder="timm-tf_efficientnet_lite0", max_lr=1e-3)
        settings: dict[str, Any] = {"accelerator": "cpu"}
        settings["precision"] = fastest_precision(settings, model, data)

        def search() -> None:
            found = find_lr(settings, model, data, start=1e-7, end=1e-4, num_steps=STEPS)
            assert len(found.losses) == STEPS, "the sweep diverged, and took fewer steps than the fit"

        def fit() -> None:
            trainer = L.Trainer(
                **settings,
                max_steps=STEPS,
                max_epochs=-1,
                limit_val_batches=0,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(model, data)

        medians = side_by_side({"fit": fit, "search": search}, rounds=3)
    print(f"a search takes {medians['search'] / medians['fit']:.2f} times as long as a fit of the same number of steps")


if __name__ == "__main__":
    main()
