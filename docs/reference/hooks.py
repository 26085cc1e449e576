"""Hooks for `mkdocs build`: the README becomes the home page, and docstring sections a form that griffe reads."""

import re
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).parents[2]

_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
_SECTION = re.compile(
    r"^(?P<name>Shape|Sources?|Credit|Layout): (?P<text>.+(?:\n[ ]{4}.+|\n(?!\w+:)(?=\S).+)*)", re.MULTILINE
)
_RAISES = re.compile(r"^Raises: (\w+) (.+(?:\n[ ]{4}.+)*)", re.MULTILINE)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The text of a page; the home page is the README."""
    return readme((ROOT / "README.md").read_text(encoding="utf-8")) if page.file.src_uri == "index.md" else markdown


def readme(text: str) -> str:
    """The README with links relative to `docs/`; links to files outside of it become plain text.

    A link to a file that does not exist is kept, so that a strict build fails.
    """
    return _LINK.sub(_relinked, text).replace('src="docs/', 'src="')


def _relinked(link: re.Match[str]) -> str:
    target = link["target"]
    if target.startswith("docs/"):
        return f"{link['picture']}[{link['text']}]({target.removeprefix('docs/')}{link['anchor'] or ''})"
    return link["text"] if (ROOT / target).exists() else link[0]


class Sections(griffe.Extension):
    """Rewrites docstring sections that griffe does not know, or that stand on one line.

    Otherwise griffe makes a box of `Shape:` and `Source:`, with the first line as its title.
    """

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = sections(obj.docstring.value)


def sections(text: str) -> str:
    """A docstring with `Shape: ...` and the like as paragraphs that start in bold, and `Raises: ...` as a section."""
    text = _RAISES.sub(r"\nRaises:\n    \1: \2", text)
    for ours, griffes in {"Hyper-parameters:": "Attributes: Hyper-parameters:", "Example:": "Examples:"}.items():
        text = text.replace(f"\n{ours}\n", f"\n{griffes}\n")
    return _SECTION.sub(lambda found: f"\n**{found['name']}:** {' '.join(found['text'].split())}\n", text)
