"""The samples of each split, without the checks that training begins with."""

import contextlib
import copy

from triptych.datamodules.split_module import SplitDataModule
from triptych.datasets.names import SampleNames
from triptych.datasets.sample import Split
from triptych.doctor.attempts import Attempts


def split_names(data: SplitDataModule, names: SampleNames, attempt: Attempts) -> dict[Split, list[str]]:
    """The names of each split; empty if the split cannot be made.

    Args:
        data: The data module, which stays as it is.
        names: The names of all samples, also if `find` would refuse some.
        attempt: Collects what is wrong with a list or another argument of the split.
    """
    trial = copy.copy(data)
    try:
        trial.find()
        is_found = True
    except Exception:  # what is wrong with the files is told by the checks
        is_found = False
    parts = None
    if is_found or data.way == "valid_list":
        source = None if data.valid_list is None else data.root / data.valid_list
        parts = attempt("split", source, lambda: trial.parts_of(names))
    else:
        with contextlib.suppress(Exception):  # it may need what was not found
            parts = trial.parts_of(names)
    if parts is None:
        return {}
    return {"train": parts.train, "val": parts.val, **({"test": parts.test} if parts.test else {})}
