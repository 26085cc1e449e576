"""What the page says about its model: what it does, how it scored and on which split, and its limits."""

from collections.abc import Iterable
from html import escape

from triptych.exported import Manifest
from triptych.serve.web_files import text_of, vendor_card

_TITLES = {"mask": "A class for each pixel", "point": "Points in an image", "labels": "Tags for an image"}
_NOUNS = {"mask": "classes", "point": "points", "labels": "tags"}
_DOES = {
    "mask": "gives each pixel one of {}",
    "point": "finds {} in each image, whether they are there or not",
    "labels": "gives each of {} a probability",
}
_LIMITS = (
    "It always answers, also about an image unlike those that it was trained on; then its answer means little.",
    "Its probabilities are what the network computes. They are not checked against how often it is right.",
)
_HERE = "Images and corrections stay in this browser: the page sends no request to anywhere, and works without network."
_SERVED = "Images are sent to the server that this page came from. It keeps none, except with a correction that you save."
_MOST_NAMES = 6


def title(manifest: Manifest) -> str:
    """The heading of the page."""
    return _TITLES[manifest.task]


def kind(manifest: Manifest) -> str:
    """The words above the heading, as HTML."""
    return " · ".join(["triptych", *([escape(manifest.data.name)] if manifest.data else [])])


def lead(manifest: Manifest) -> str:
    """The paragraph below the heading, as HTML: what the model knows, and how well."""
    names, more = manifest.names[:_MOST_NAMES], len(manifest.names) - _MOST_NAMES
    known = escape(", ".join(names)) + (f" and {more} more" if more > 0 else "")
    return f"This model {_DOES[manifest.task].format(_number_of(manifest))}: {known}. {_scored(manifest)}"


def about(manifest: Manifest, offline: bool) -> str:
    """The section about the model, as HTML.

    Args:
        manifest: Of the model.
        offline: Whether it runs in the browser.
    """
    model = f"<div><h2>The model</h2>{_table(_facts(manifest))}</div>"
    limits = [_sized(manifest), *_LIMITS, _HERE if offline else _SERVED]
    items = "".join(f"<li>{escape(limit)}</li>" for limit in limits)
    return f"{model}<div><h2>Its limits</h2><ul>{items}</ul></div>{_licence() if offline else ''}"


def _facts(manifest: Manifest) -> Iterable[tuple[str, str]]:
    yield "Task", f"{_number_of(manifest)}"
    yield "Encoder", manifest.encoder
    if (data := manifest.data) is not None:
        yield "Trained on", f"{data.name}, {data.train} images"
        yield from ((name, value) for name, value in (("Licence", data.licence), ("Credit", data.credit)) if value)
    if (scores := manifest.scores) is not None:
        yield "Scored on", f"{scores.samples} images that it was not trained on: {scores.split}"
        yield from ((_spelled(name), f"{value:.4f}") for name, value in scores.values.items())
    yield "Numbers", manifest.precision


def _scored(manifest: Manifest) -> str:
    if manifest.scores is None:
        return "How well it does was not measured."
    values = ", ".join(f"{_spelled(name)} {value:.3f}" for name, value in manifest.scores.values.items())
    split = f"{manifest.scores.samples} images that it was not trained on ({manifest.scores.split})"
    return escape(f"Its scores on {split}: {values}.")


def _sized(manifest: Manifest) -> str:
    height, width = manifest.image_size
    return f"It sees each image at {width} x {height} pixels, the size of its validation; smaller things can be missed."


def _spelled(name: str) -> str:
    return name.replace("_", " ")


def _number_of(manifest: Manifest) -> str:
    number, noun = len(manifest.names), _NOUNS[manifest.task]
    return f"{number} {noun if number > 1 else noun.removesuffix('es' if noun == 'classes' else 's')}"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _licence() -> str:
    card = vendor_card()
    words = f"This page runs {card['package']} {card['version']}, licence {card['licence']}"
    return f"<details><summary>{escape(words)}</summary><pre>{escape(text_of('vendor/LICENSE'))}</pre></details>"
