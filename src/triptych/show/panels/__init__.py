"""How predictions are drawn, task by task: one panel class for each kind of target."""

from typing import Any

from triptych.datasets.sample import Target
from triptych.show.panels.base import Panel
from triptych.show.panels.masks import MaskPanel
from triptych.show.panels.points import PointPanel
from triptych.show.panels.tags import TagPanel
from triptych.show.panels.texts import LanguagePanel, TextPanel
from triptych.tasks.base import TransferTask

_PANELS: dict[Target, type[Panel[Any]]] = {
    "mask": MaskPanel,
    "point": PointPanel,
    "labels": TagPanel,
    "category": TextPanel,
    "next": LanguagePanel,
}
"""By the target of a task."""


def panel_for(model: TransferTask) -> Panel[Any]:
    """The panel of a model's task.

    Raises:
        ValueError: No panel draws the model's target.
    """
    if model.target not in _PANELS:
        raise ValueError(f"{type(model).__name__}: expected a target in {', '.join(_PANELS)}, got {model.target!r}.")
    return _PANELS[model.target](model)
