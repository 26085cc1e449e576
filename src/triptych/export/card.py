"""The model card of an export, for people."""

from collections.abc import Iterator
from pathlib import Path

from triptych.exported import Manifest
from triptych.metrics.bootstrap import LEVEL
from triptych.tasks.split_scores import between, draws_of

_PIPELINES = {
    "mask": "image-segmentation",
    "point": "keypoint-detection",
    "labels": "image-classification",
    "category": "text-classification",
}
"""Task names of the Hugging Face hub."""
_TASKS = {
    "mask": ("a class for each pixel of an image", "result.mask", "classes", "UNetSegmenter"),
    "point": ("points in an image", "result.points", "points", "PointRegressor"),
    "labels": ("the tags of an image", "result.tags", "tags", "MultiLabelClassifier"),
    "category": ("the category of a text", "result.category", "categories", "TextClassifier"),
}
"""What is predicted, where the runtime has it, what the names are called, and the class that trains it."""
_GIVEN = {"image": ('"image.jpg"', "triptych[runtime]"), "text": ('"A text."', "triptych[runtime,text]")}
"""What the runtime is called with, and what to install for it."""
_HOLD = {
    "image": "They hold for images like these. On other cameras, places or seasons expect worse, and measure it "
    "first;\na split whose neighbours of training samples are held out, such as frames of one drive, flatters a model.",
    "text": "They hold for texts like these. On other subjects, authors or years expect worse, and measure it first.",
}
"""What the scores hold for."""


def card(manifest: Manifest, name: str) -> str:
    """The text of the card, Markdown with the front matter of the hub.

    Args:
        manifest: The manifest, with scores and files.
        name: Name of the model.
    """
    return "\n".join(_lines(manifest, name))


def _lines(manifest: Manifest, name: str) -> Iterator[str]:
    what, result, names, task = _TASKS[manifest.task]
    given, package = _GIVEN[manifest.input]
    yield from ("---", "library_name: triptych", f"pipeline_tag: {_PIPELINES[manifest.task]}", "---", f"# {name}", "")
    yield f"Predicts {what}. {task} of triptych with the encoder `{manifest.encoder}`, in {manifest.precision}."
    yield from ("", "## Use", "", f"With `pip install '{package}'`, which brings no torch:", "", "```python")
    yield from ("from triptych.runtime import load", "", 'model = load("PATH/OF/THIS/FOLDER")')
    yield from (f"result = model({given})", f"print({result})", "```", "")
    yield f"With torch: `triptych.{task}.from_pretrained(PATH)`. Without this package: `model.onnx` takes"
    yield from _taken(manifest)
    yield from ("", "## Scores", "", *_scores(manifest))
    yield from ("", f"## {names.capitalize()}", "", ", ".join(manifest.names))
    yield from ("", "## Data and licence", "", *_data(manifest))
    yield from ("", "## Files", "", "| file | bytes | SHA-256 |", "|---|---|---|")
    yield from (f"| `{file}` | {one.bytes:,} | `{one.sha256}` |" for file, one in manifest.files.items())
    versions = ", ".join(f"{package} {version}" for package, version in manifest.versions.items())
    yield from ("", f"Made with {versions}.", "")


def _taken(manifest: Manifest) -> Iterator[str]:
    """What the network takes, after "takes"."""
    if manifest.image_size is None:
        yield "`tokens` int64 (N, T), the numbers in `vocab.json` of a text's tokens, padded on the right with 1. The"
        yield "rules in `tokenizer.json`, in the form of spaCy's, cut them, between the course's rules for a text."
        return
    height, width = manifest.image_size
    yield f"plain pixels, `images` uint8 (N, {manifest.in_channels}, H, W) of any number and size; images of"
    yield f"{height}x{width} (height x width) are what it was validated on."


def _scores(manifest: Manifest) -> Iterator[str]:
    if manifest.scores is None:
        yield "None: the data were not there when the model was exported."
        return
    scores = manifest.scores
    yield f"On {scores.samples} samples that were held out of training by `{scores.split}`:"
    yield from ("", f"| score | value | {LEVEL:.0%} interval |", "|---|---|---|")
    for name, value in scores.values.items():
        yield f"| {name} | {value:#.4g} | {between(value, scores.intervals.get(name))} |"
    yield ""
    if scores.drawn:
        yield from (f"{draws_of(scores.drawn)}.", "")
    yield _HOLD[manifest.input]


def _data(manifest: Manifest) -> Iterator[str]:
    if manifest.data is None:
        yield "Not known: the run does not say its data, or they were not there."
        return
    data = manifest.data
    yield f"{data.train} training samples in the layout of `{data.name}`; validation: `{data.split}`."
    if data.credit:
        yield ""
        yield f"If these are the files of the published data set, their licence: {data.licence}."
        yield f"Please cite: {data.credit}."


def default_name(run: Path, manifest: Manifest) -> str:
    """Name of a model: that of its data and its run."""
    return f"{manifest.data.name} {run.name}" if manifest.data else run.name
