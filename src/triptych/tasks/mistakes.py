"""What is wrong with a prediction, in one line."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from triptych.metrics.functional import confusion_counts
from triptych.metrics.point_scores import distance_px

NOTHING = "nothing wrong"


class Confusion(NamedTuple):
    """The largest error of a mask: so many pixels of the class `true` were given to the class `taken_for`."""

    true: int
    taken_for: int
    pixels: int


def most_confused(ids: Tensor, target: Tensor, num_classes: int, ignore_index: int | None) -> Confusion | None:
    """The two classes that are confused on most pixels; None where every labelled pixel is right.

    Args:
        ids: Predicted class ids (H, W).
        target: True class ids (H, W).
        num_classes: Number of classes.
        ignore_index: Class id of void pixels, which are left out.
    """
    counts = confusion_counts(ids[None], target[None], num_classes, ignore_index).fill_diagonal_(0)
    worst = int(counts.argmax())
    pixels = int(counts.flatten()[worst])
    return Confusion(*divmod(worst, num_classes), pixels) if pixels else None


def wrong_pixels(ids: Tensor, target: Tensor, class_names: Sequence[str], ignore_index: int | None) -> str:
    """Such as "Road taken for Sidewalk, 12 % of the frame". Shape: ids and target (H, W)."""
    worst = most_confused(ids, target, len(class_names), ignore_index)
    if worst is None:
        return NOTHING
    share = 100 * worst.pixels / target.numel()
    percent = f"{share:.0f} %" if share >= 1 else "less than 1 %"
    return f"{class_names[worst.true]} taken for {class_names[worst.taken_for]}, {percent} of the frame"


def missed_points(preds: Tensor, target: Tensor, size: Tensor) -> str:
    """Such as "11.3 px off", in pixels of the original frame; of several points the worst and the mean.

    Shape: preds and target (P, 2), (y, x) in [-1, 1]; size (2,), height and width of the frame.
    """
    distances = distance_px(preds[None], target[None], size[None])[0]
    if len(distances) == 1:
        return f"{distances[0]:.1f} px off"
    worst = int(distances.argmax())
    return f"point {worst + 1} {distances[worst]:.1f} px off, {distances.mean():.1f} px on average"


def wrong_tags(given: Tensor, labels: Tensor, tags: Sequence[str]) -> str:
    """Such as "missed road, water; invented haze". Shape: given and labels bool (L,)."""
    kinds = {"missed": labels & ~given, "invented": given & ~labels}
    told = [
        f"{kind} {', '.join(tags[i] for i in chosen.nonzero().flatten())}"
        for kind, chosen in kinds.items()
        if chosen.any()
    ]
    return "; ".join(told) or NOTHING
