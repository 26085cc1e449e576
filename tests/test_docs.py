"""The reference in docs/ names only what exists, and everything that is public."""

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import triptych

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
TARGETS = sorted(set(re.findall(r"^::: (\S+)$", "\n".join(PAGES.values()), re.MULTILINE)))
REFERENCES = sorted(set(re.findall(r"\]\[(triptych[\w.]*)\]", "\n".join(PAGES.values()))))
PACKAGES = [
    *("callbacks", "datamodules", "datasets", "doctor", "export", "exported", "losses", "metrics", "models", "optim"),
    *("recipe", "report", "runtime", "synthetic", "tasks", "text", "transforms"),
]


def found(name: str) -> Any:
    """The object of a dotted name: a module, or something in one.

    If a name is that of a module and of an object in its package, it means the module.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        if not parent:
            raise
        return getattr(found(parent), last)


def documented() -> list[Any]:
    """All objects that the pages show, with the public names of whole packages."""
    things = [found(target) for target in TARGETS]
    packages = [thing for thing in things if isinstance(thing, ModuleType)]
    return things + [getattr(package, name) for package in packages for name in public_names(package)]


def public_names(module: ModuleType) -> list[str]:
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", None) == module.__name__]
    return getattr(module, "__all__", own)


@pytest.mark.parametrize("target", [*TARGETS, *REFERENCES])
def test_every_target_exists_and_has_a_docstring(target: str) -> None:
    assert found(target).__doc__


def test_every_public_name_has_a_place_of_its_own_in_the_reference() -> None:
    assert {f"triptych.{name}" for name in triptych.__all__} <= {*TARGETS}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_package_is_in_the_reference(package: str) -> None:
    module, shown = importlib.import_module(f"triptych.{package}"), documented()
    assert [name for name in module.__all__ if not any(getattr(module, name) is thing for thing in shown)] == []


def test_every_page_is_in_the_menu() -> None:
    menu = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in PAGES if not re.search(rf"- (.*: )?{re.escape(page)}$", menu, re.MULTILINE)] == []


def test_a_misspelt_name_is_reported() -> None:
    with pytest.raises(AttributeError, match="UNetSegmentor"):
        found("triptych.UNetSegmentor")
