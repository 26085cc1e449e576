"""A class that a file names is found if it is loaded and of the right kind; nothing is imported or called."""

import sys
from types import ModuleType

import pytest

import triptych
from triptych.datamodules.base import TriptychDataModule
from triptych.runs.loaded import loaded_class


class OwnData(TriptychDataModule):
    """A user's own class, loaded by the module that defines it."""


@pytest.mark.parametrize(
    ("class_path", "found"),
    [
        ("triptych.CamVidDataModule", triptych.CamVidDataModule),
        ("triptych.datamodules.biwi.BIWIDataModule", triptych.BIWIDataModule),
        (f"{__name__}.OwnData", OwnData),
    ],
)
def test_a_loaded_class_is_found_by_each_of_its_paths(class_path: str, found: type) -> None:
    assert loaded_class("config.yaml: data", class_path, TriptychDataModule) is found


def test_our_own_class_is_found_in_a_process_that_has_not_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(triptych), "CamVidDataModule", raising=False)
    found = loaded_class("config.yaml: data", "triptych.CamVidDataModule", TriptychDataModule)
    assert found.__name__ == "CamVidDataModule"


@pytest.mark.parametrize(
    "class_path",
    ["os.system", "triptych.UNetSegmenter", "triptych.Nothing", "CamVidDataModule", "", ".", None, ["os"], 3],
)
def test_anything_else_is_refused_in_one_line(class_path: object) -> None:
    with pytest.raises(
        ValueError, match=r"^config\.yaml: data: expected a loaded subclass of TriptychDataModule, got"
    ) as caught:
        loaded_class("config.yaml: data", class_path, TriptychDataModule)
    assert f"got {class_path}; a file's classes are not imported, so import your own before" in str(caught.value)


def test_a_module_that_imports_lazily_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = ModuleType("lazy")
    lazy.__getattr__ = lambda name: pytest.fail(f"{name} would be imported")  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    with pytest.raises(ValueError, match=r"got lazy\.Data"):
        loaded_class("config.yaml: data", "lazy.Data", TriptychDataModule)


def test_a_module_that_is_not_loaded_is_not_imported(trap: str) -> None:
    with pytest.raises(ValueError, match=f"got {trap}"):
        loaded_class("config.yaml: data", trap, TriptychDataModule)
