"""What the page says about its model: what it does, how it scored and on which split, and its limits."""

from collections.abc import Iterable
from html import escape

from triptych.exported import Manifest
from triptych.serve.web_files import text_of, vendor_card

_TITLES = {"mask": "A class for each pixel", "point": "Points in an image", "labels": "Tags for an image"}
_NOUNS = {"mask": ("class", "classes"), "point": ("point", "points"), "labels": ("tag", "tags")}
_DOES = {
    "mask": "gives each pixel one of {}",
    "point": "finds {} in an image",
    "labels": "gives each of {} a probability",
}
_LIMITS = (
    "It always answers, also about an image unlike those that it was trained on; then its answer means little.",
    "Its probabilities are what the network computes. They were not compared with how often it is right.",
)
_HERE = "Images and corrections stay in this browser: the page sends no request to anywhere, and works without network."
_SERVED = (
    "Images are sent to the server that this page came from. It keeps none, except with a correction that you save."
)
_SPELLED = {"iou": "IoU", "f2": "F2", "px": "in pixels"}
_MOST_NAMES = 6


def title(manifest: Manifest) -> str:
    """The heading of the page."""
    return _TITLES[manifest.task]


def kind(manifest: Manifest) -> str:
    """The words above the heading, as HTML."""
    return " · ".join(["triptych", *([escape(manifest.data.name)] if manifest.data else [])])


def lead(manifest: Manifest) -> str:
    """The paragraph below the heading, as HTML: what the model knows, and how well."""
    does = _DOES[manifest.task].format(_counted(len(manifest.names), *_NOUNS[manifest.task]))
    names, more = manifest.names[:_MOST_NAMES], len(manifest.names) - _MOST_NAMES
    known = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    return escape(f"This model {does}: {known}. {_scored(manifest)}")


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
    yield "Predicts", _counted(len(manifest.names), *_NOUNS[manifest.task])
    yield "Encoder", manifest.encoder
    if (data := manifest.data) is not None:
        yield "Trained on", f"{data.name}, {_counted(data.train, 'image', 'images')}"
        yield from ((name, value) for name, value in (("Licence", data.licence), ("Credit", data.credit)) if value)
    if (scores := manifest.scores) is not None:
        yield "Scored on", f"{_counted(scores.samples, 'image', 'images')} that it was not trained on: {scores.split}"
        yield from ((_spelled(name), f"{value:.4f}") for name, value in scores.values.items())
    yield "Weights", manifest.precision


def _scored(manifest: Manifest) -> str:
    if (scores := manifest.scores) is None:
        return "How well it does was not measured."
    values = ", ".join(f"{_spelled(name)} {value:.3f}" for name, value in scores.values.items())
    return f"On {_counted(scores.samples, 'image', 'images')} that it was not trained on ({scores.split}): {values}."


def _sized(manifest: Manifest) -> str:
    height, width = manifest.image_size
    return f"It sees each image at {width} x {height} pixels, the size of its validation; smaller things can be missed."


def _spelled(name: str) -> str:
    return " ".join(_SPELLED.get(word, word) for word in name.split("_"))


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _licence() -> str:
    card = vendor_card()
    words = f"This page runs {card['package']} {card['version']}, licence {card['licence']}"
    return f"<details><summary>{escape(words)}</summary><pre>{escape(text_of('vendor/LICENSE'))}</pre></details>"
