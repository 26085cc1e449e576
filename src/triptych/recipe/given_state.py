"""The state of the user's callbacks from stage to stage."""

from collections.abc import Iterable, Mapping
from inspect import isfunction
from typing import Any

import lightning as L


class GivenState:
    """Gives Lightning's callbacks back the state in which the user gave them, so that each stage is a fit of its own.

    A patience, a best score or a number of averaged models of a stage means nothing to the next one. Only attributes
    that Lightning's own code uses are put back: what a subclass of a user records, and a user's own callbacks, go on
    from stage to stage.

    Args:
        callbacks: The callbacks, as they are now.
    """

    def __init__(self, callbacks: Iterable[L.Callback]) -> None:
        self._given = [(one, {name: _copied(vars(one)[name]) for name in _of_lightning(one)}) for one in callbacks]

    def restore(self) -> None:
        """Puts the attributes back."""
        for callback, values in self._given:
            vars(callback).update({name: _copied(value) for name, value in values.items()})


def carry_on(callbacks: Iterable[L.Callback], checkpoint: Mapping[str, Any]) -> None:
    """Loads the states of the user's own callbacks, as they were at the end of the stage before a resume.

    Args:
        callbacks: The callbacks.
        checkpoint: The stage's checkpoint.
    """
    states = checkpoint.get("callbacks", {})
    for callback in callbacks:
        if callback.state_key in states and not _of_lightning(callback):
            callback.load_state_dict(states[callback.state_key])


def _of_lightning(callback: L.Callback) -> set[str]:
    """Names of the attributes that code of Lightning's callbacks uses."""
    classes = [one for one in type(callback).__mro__ if one.__module__.startswith("lightning.") and one != L.Callback]
    functions = [value for one in classes for value in vars(one).values() if isfunction(value)]
    return {name for function in functions for name in function.__code__.co_names} & vars(callback).keys()


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (dict, list, set)) else value
