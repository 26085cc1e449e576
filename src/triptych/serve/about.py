"""What the page says about its model: what it does, how it scored and on which split, and its limits."""

from collections.abc import Iterable
from html import escape

from triptych.exported import Manifest
from triptych.serve.web_files import text_of, vendor_card

_TITLES = {
    "mask": "A class for each pixel",
    "point": "Points in an image",
    "labels": "Tags for an image",
    "category": "A category for a text",
}
_NOUNS = {
    "mask": ("class", "classes"),
    "point": ("point", "points"),
    "labels": ("tag", "tags"),
    "category": ("category", "categories"),
}
_DOES = {
    "mask": "gives each pixel one of {}",
    "point": "finds {} in an image",
    "labels": "gives each of {} a probability",
    "category": "gives a text one of {}",
}
_GIVEN = {"image": ("image", "images"), "text": ("text", "texts")}
_LIMITS = (
    "It always answers, also about {one} unlike those that it was trained on; then its answer means little.",
    "Its probabilities are what the network computes. They were not compared with how often it is right.",
)
_HERE = "{} and corrections stay in this browser: the page sends no request to anywhere, and works without network."
_SERVED = "{} are sent to the server that this page came from. It keeps none, except with a correction that you save."
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
    return escape(f"This model {does}{_named(manifest)}. {_scored(manifest)}")


def about(manifest: Manifest, offline: bool) -> str:
    """The section about the model, as HTML.

    Args:
        manifest: Of the model.
        offline: Whether it runs in the browser.
    """
    model = f"<div><h2>The model</h2>{_table(_facts(manifest))}</div>"
    one, all_given = {"image": ("an image", "Images"), "text": ("a text", "Texts")}[manifest.input]
    kept = (_HERE if offline else _SERVED).format(all_given)
    limits = [*_read(manifest), *(limit.format(one=one) for limit in _LIMITS), kept]
    items = "".join(f"<li>{escape(limit)}</li>" for limit in limits)
    return f"{model}<div><h2>Its limits</h2><ul>{items}</ul></div>{_licence() if offline else ''}"


def _facts(manifest: Manifest) -> Iterable[tuple[str, str]]:
    yield "Predicts", _counted(len(manifest.names), *_NOUNS[manifest.task])
    yield "Encoder", manifest.encoder
    if (data := manifest.data) is not None:
        yield "Trained on", f"{data.name}, {_counted(data.train, *_GIVEN[manifest.input])}"
        yield from ((name, value) for name, value in (("Licence", data.licence), ("Credit", data.credit)) if value)
    if (scores := manifest.scores) is not None:
        samples = _counted(scores.samples, *_GIVEN[manifest.input])
        yield "Scored on", f"{samples} that it was not trained on: {scores.split}"
        yield from ((_spelled(name), f"{value:.4g}") for name, value in scores.values.items())
    yield "Weights", manifest.precision


def _named(manifest: Manifest) -> str:
    if manifest.task == "point" and not has_point_names(manifest):
        return ""
    names, more = manifest.names[:_MOST_NAMES], len(manifest.names) - _MOST_NAMES
    return f": {', '.join(names)}" + (f" and {more} more" if more > 0 else "")


def has_point_names(manifest: Manifest) -> bool:
    """Whether points have names in a table; a single one needs none."""
    return len(manifest.names) > 1 or bool(manifest.hyper_parameters.get("point_names"))


def _scored(manifest: Manifest) -> str:
    """The first score, which is the task's own."""
    if (scores := manifest.scores) is None or not scores.values:
        return "How well it does was not measured."
    name, value = next(iter(scores.values.items()))
    samples = _counted(scores.samples, *_GIVEN[manifest.input])
    return f"On {samples} that it was not trained on ({scores.split}): {_spelled(name)} {value:.3g}."


def _read(manifest: Manifest) -> Iterable[str]:
    """How what is given reaches the network."""
    if manifest.image_size is not None:
        height, width = manifest.image_size
        yield f"It sees each image at {width} x {height} pixels, as in its validation; smaller things can be missed."
    if (most := manifest.hyper_parameters.get("max_len")) is not None:
        yield f"It reads a whole text, but decides by its last {most:,} words and signs."
    if manifest.input == "text":
        yield "It reads a word that it was not trained on as an unknown one: other languages mean nothing to it."


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
