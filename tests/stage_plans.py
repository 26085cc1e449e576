"""Plans of stages that take the seconds that are given."""

from typing import Any

from triptych.recipe.plan import StagePlan
from triptych.recipe.stage import FullStage


def planned(name: str, epochs: int, **seconds: Any) -> StagePlan:
    """A plan that takes the seconds that are given."""
    stage = FullStage(
        name=name,
        epochs=epochs,
        freeze_to=0,
        image_size=(32, 48),
        batch_size=4,
        max_lr=1e-3,
        pct_start=0.25,
        weight_decay=0.01,
        precision="32-true",
        augment=True,
        sample_weights="even",
    )
    timing = {"seconds_besides": 0.0, "seconds_per_validation": 0.0, "validate_every": 1, **seconds}
    return StagePlan(stage, trainable=1, parameters=1, steps=2, memory=0, **timing)
