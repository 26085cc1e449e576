"""What `mkdocs build` does beside its plugins: the README as the home page, and this project's docstring sections."""

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
    """The text of a page; that of the home page is the README."""
    return readme((ROOT / "README.md").read_text(encoding="utf-8")) if page.file.src_uri == "index.md" else markdown


def readme(text: str) -> str:
    """The README with its links as they are from `docs/`; those to files of the repository elsewhere become plain text.

    A link to nowhere stays as it is, and ends a strict build.
    """
    return _LINK.sub(_relinked, text).replace('src="docs/', 'src="')


def _relinked(link: re.Match[str]) -> str:
    target = link["target"]
    if target.startswith("docs/"):
        return f"{link['picture']}[{link['text']}]({target.removeprefix('docs/')}{link['anchor'] or ''})"
    return link["text"] if (ROOT / target).exists() else link[0]


class Sections(griffe.Extension):
    """Puts the sections that this project writes on one line, or under names of its own, into a form that griffe reads.

    Without it `Shape:` and `Source:` with a second line would become boxes with half of their text as the title.
    """

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites the docstring of an object that was read."""
        if obj.docstring:
            obj.docstring.value = sections(obj.docstring.value)


def sections(text: str) -> str:
    """A docstring with `Shape: ...` and the like as paragraphs that begin in bold, and `Raises: ...` as a section."""
    text = _RAISES.sub(r"\nRaises:\n    \1: \2", text)
    for ours, griffes in {"Hyper-parameters:": "Attributes: Hyper-parameters:", "Example:": "Examples:"}.items():
        text = text.replace(f"\n{ours}\n", f"\n{griffes}\n")
    return _SECTION.sub(lambda found: f"\n**{found['name']}:** {' '.join(found['text'].split())}\n", text)
