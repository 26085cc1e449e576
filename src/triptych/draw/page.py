"""The parts of a self-contained HTML page."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Literal, NewType

from matplotlib.figure import Figure
from PIL import Image
from rich.table import Column, Table

Html = NewType("Html", str)
"""HTML markup; plain text is escaped when it is converted to it."""

_MEDIA = {"svg": "image/svg+xml", "png": "image/png"}
_CSS_DPI = 96
_NO_DATE = {"svg": {"Date": None}, "png": {}}


@dataclass(frozen=True)
class Section:
    """A part of the page with an entry in the table of contents.

    Args:
        title: Plain text.
        parts: The content below the title.
    """

    title: str
    parts: Sequence[Html]


@dataclass(frozen=True)
class Thumbnail:
    """Pictures of one thing, with words below.

    Args:
        name: What they show; plain text, as the words.
        words: What is to say about it.
        pictures: Shown side by side, in their own size; none if nothing can be shown.
    """

    name: str
    words: str
    pictures: Sequence[Image.Image]


def page(kind: str, title: str, summary: Table, sections: Sequence[Section]) -> str:
    """The whole page, as an HTML document.

    Args:
        kind: What sort of page it is, such as "triptych report"; plain text, as the title.
        title: Plain text.
        summary: Shown above the table of contents.
        sections: In the order of the page.
    """
    links = [f'<li><a href="#part-{i}">{escape(section.title)}</a></li>' for i, section in enumerate(sections)]
    return Template(_resource("page.html")).substitute(
        kind=escape(kind),
        title=escape(title),
        style=_resource("page.css"),
        summary=table(summary),
        contents="".join(links),
        sections="".join(_section(f"part-{i}", section) for i, section in enumerate(sections)),
    )


def text(words: str) -> Html:
    """A paragraph."""
    return Html(f"<p>{escape(words)}</p>")


def heading(words: str) -> Html:
    """A heading within a section."""
    return Html(f"<h3>{escape(words)}</h3>")


def listing(words: str) -> Html:
    """Preformatted text, such as a file."""
    return Html(f"<pre>{escape(words)}</pre>")


def picture(figure: Figure, alt: str, form: Literal["svg", "png"]) -> Html:
    """A figure, embedded in the page.

    Args:
        figure: The figure.
        alt: Alternative text: what the figure shows.
        form: `"svg"` for lines, sharp at any size; `"png"` for photographs.
    """
    file = io.BytesIO()
    figure.savefig(file, format=form, metadata=_NO_DATE[form])
    width, height = (round(_CSS_DPI * inches) for inches in figure.get_size_inches())
    return Html(
        f'<figure><img src="{_embedded(form, file)}" alt="{escape(alt)}" width="{width}" height="{height}"></figure>'
    )


def table(shown: Table) -> Html:
    """Converts a rich table; its first column becomes the row headers, and bold rows stay bold.

    Args:
        shown: The table, with cells and headings as plain text.
    """
    columns = shown.columns
    head = "".join(f'<th scope="col"{_alignment(column)}>{escape(str(column.header))}</th>' for column in columns)
    cells = zip(*(column.cells for column in columns), strict=True)
    groups = [""]
    for row, values in zip(shown.rows, cells, strict=True):
        bold = ' class="bold"' if row.style == "bold" else ""
        groups[-1] += f"<tr{bold}>{''.join(_cells(columns, [str(value) for value in values]))}</tr>\n"
        if row.end_section:
            groups.append("")
    above = f"<caption>{escape(str(shown.title))}</caption>" if shown.title else ""
    below = f'<p class="note">{escape(str(shown.caption))}</p>' if shown.caption else ""
    body = "".join(f"<tbody>{rows}</tbody>" for rows in groups)
    top = f"<thead><tr>{head}</tr></thead>" if shown.show_header else ""
    return Html(f'<div class="wide"><table>{above}{top}{body}</table></div>{below}')


def pairs(values: Mapping[str, object]) -> Table:
    """A table of names and values, without a header row."""
    shown = Table(show_header=False)
    shown.add_column("name")
    shown.add_column("value")
    for name, value in values.items():
        shown.add_row(name, str(value))
    return shown


def gallery(thumbnails: Iterable[Thumbnail]) -> Html:
    """Small pictures side by side, each with its name and some words below."""
    return Html(f'<div class="gallery">{"".join(map(_small_figure, thumbnails))}</div>')


def folded(title: str, content: Html) -> Html:
    """Content that is shown after a click on its title."""
    return Html(f"<details><summary>{escape(title)}</summary>{content}</details>")


def _small_figure(thumbnail: Thumbnail) -> str:
    images = "".join(_small_image(one, thumbnail.name) for one in thumbnail.pictures)
    caption = f"<b>{escape(thumbnail.name)}</b> {escape(thumbnail.words)}"
    return f"<figure><div>{images or 'no picture'}</div><figcaption>{caption}</figcaption></figure>\n"


def _small_image(picture: Image.Image, alt: str) -> str:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return f'<img src="{_embedded("png", file)}" alt="{escape(alt)}" width="{picture.width}" height="{picture.height}">'


def _embedded(form: str, file: io.BytesIO) -> str:
    return f"data:{_MEDIA[form]};base64,{base64.b64encode(file.getvalue()).decode()}"


def _cells(columns: Sequence[Column], values: Sequence[str]) -> Iterable[str]:
    for index, (column, value) in enumerate(zip(columns, values, strict=True)):
        tag, scope = ("td", "") if index else ("th", ' scope="row"')
        yield f"<{tag}{scope}{_alignment(column)}>{escape(value)}</{tag}>"


def _alignment(column: Column) -> str:
    return ' class="number"' if column.justify == "right" else ""


def _section(anchor: str, section: Section) -> str:
    parts = "\n".join(section.parts)
    return f'<section id="{anchor}">\n<h2>{escape(section.title)}</h2>\n{parts}\n</section>\n'


def _resource(name: str) -> str:
    return files("triptych.draw").joinpath(name).read_text(encoding="utf-8")
