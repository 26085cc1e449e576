"""What is wrong with a prediction, in one line."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from triptych.metrics.functional import confusion_counts
from triptych.metrics.point_scores import distance_px

_NOTHING = "nothing wrong"


class Confusion(NamedTuple):
    """The largest confusion in a mask: number of pixels of class `true` that were predicted as `taken_for`."""

    true: int
    taken_for: int
    pixels: int


def most_confused(ids: Tensor, target: Tensor, num_classes: int, ignore_index: int | None) -> Confusion | None:
    """The two classes that are confused on most pixels; None if every labelled pixel is right.

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
    """The worst confusion, such as "Road taken for Sidewalk, 12 % of the frame". Shape: ids and target (H, W)."""
    worst = most_confused(ids, target, len(class_names), ignore_index)
    if worst is None:
        return _NOTHING
    percent = 100 * worst.pixels / target.numel()
    area = f"{percent:.0f} %" if percent >= 1 else "less than 1 %"
    return f"{class_names[worst.true]} taken for {class_names[worst.taken_for]}, {area} of the frame"


def missed_points(preds: Tensor, target: Tensor, size: Tensor, point_names: Sequence[str]) -> str:
    """The error, such as "11.3 px off", in pixels of the original frame; for several points the worst and the mean.

    Shape: preds and target (P, 2), (y, x) in [-1, 1], NaN in the target for a missing point; size (2,), height and
        width of the frame; a name for each point.
    """
    known = (~target.isnan().any(dim=-1)).nonzero().flatten()
    distances = distance_px(preds[None], target[None], size[None])[0, known]
    if not len(known):
        return "no point is known"
    if len(target) == 1:
        return f"{distances[0]:.1f} px off"
    worst = int(distances.argmax())
    name = point_names[int(known[worst])]
    return f"{name} {distances[worst]:.1f} px off, {distances.mean():.1f} px on average"


def wrong_tags(preds: Tensor, target: Tensor, tags: Sequence[str]) -> str:
    """The errors, such as "false negatives: road, water; false positives: haze". Shape: preds and target bool (L,)."""
    errors = {"false negatives": target & ~preds, "false positives": preds & ~target}
    parts = [
        f"{kind}: {', '.join(tags[i] for i in is_wrong.nonzero().flatten())}"
        for kind, is_wrong in errors.items()
        if is_wrong.any()
    ]
    return "; ".join(parts) or _NOTHING


def wrong_category(logits: Tensor, target: Tensor, categories: Sequence[str]) -> str:
    """The predicted and the true category of a text, with the probability of what was predicted.

    Args:
        logits: (K,).
        target: Index of the true category, a scalar.
        categories: Name of each category.
    """
    predicted, true = int(logits.argmax()), int(target)
    probability = float(logits.float().softmax(dim=0)[predicted])
    if predicted == true:
        return f"{_NOTHING}: {categories[true]} ({probability:.0%})"
    return f"{categories[true]} taken for {categories[predicted]} ({probability:.0%})"
