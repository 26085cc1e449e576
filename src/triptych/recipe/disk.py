"""The file of cached features in the plan of a stage: whether the disk has room for it, and what it takes."""

import shutil
from dataclasses import replace
from pathlib import Path

from triptych.files import is_remote, size_text
from triptych.recipe.plan import StagePlan

_FRACTION = 0.5
"""Of the free disk, which the checkpoints and others need too."""


def within_disk(plan: StagePlan, folder: Path) -> StagePlan:
    """The plan with as many views as half of the free disk holds; as it is without cached features.

    Args:
        plan: The plan.
        folder: The run's folder, which need not exist yet.

    Raises:
        ValueError: The disk has no room for one view, or the folder is on a bucket.
    """
    if not plan.views:
        return plan
    where = f"stages: {plan.stage.name}: cache_features"
    if is_remote(folder):
        raise ValueError(f"{where}: expected a run folder of this machine, got {folder}; leave it out.")
    exists = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(exists).free
    views = min(plan.views, int(_FRACTION * free / plan.bytes_per_view))
    if not views:
        needed = size_text(plan.bytes_per_view / _FRACTION)
        raise ValueError(
            f"{where}: expected {needed} of free disk, twice the size of one view, got {size_text(free)} in {exists}; "
            "free some, or leave it out."
        )
    return replace(plan, views=views)


def features_line(plan: StagePlan) -> str:
    """What the cached features of a stage take, in words; empty without them."""
    if not plan.views:
        return ""
    asked, count = plan.stage.cache_features, plan.num_views
    fewer = f" of {asked}, {'for half of the free disk' if plan.views < plan.stage.epochs else 'one an epoch'}"
    minutes = count * plan.seconds_per_view / 60
    return (
        f"{plan.stage.name}: features of {count} view{'s' * (count > 1)}{fewer if count != asked else ''}: "
        f"{size_text(count * plan.bytes_per_view)} on disk, {minutes:.1f} min"
    )
