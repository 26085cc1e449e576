"""What `model.json` says about an exported model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from triptych.errors import BadSampleError

Task = Literal["mask", "point", "labels", "category"]
"""What the model predicts: the key of the target in a sample."""

Input = Literal["image", "text"]
"""What the model answers for."""

FORMAT = 1
"""Version of the form of `model.json`."""

_APART = "score_intervals"
"""Key of what is known about the intervals of the scores."""


@dataclass(frozen=True)
class FileCard:
    """A file of the folder.

    Args:
        sha256: Its checksum, in hexadecimal digits.
        bytes: Its size.
    """

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Scores:
    """Scores of the model, with the samples that they are about.

    Args:
        split: How these samples were chosen, such as `valid.txt`; they were not trained on.
        samples: Their number.
        values: Value by name, such as `void_masked_accuracy`.
        intervals: Bounds of the 95 % interval of scores, by name.
        drawn: What the draws of the intervals are of, such as `101 frames`.
    """

    split: str
    samples: int
    values: dict[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    drawn: str = ""


@dataclass(frozen=True)
class DataCard:
    """The data that the model was trained on.

    Args:
        name: Name of the data set, such as `camvid`.
        split: How the validation samples were chosen.
        train: Number of training samples.
        licence: Their licence, and under which conditions they may be used; empty if unknown.
        credit: Who made them; empty if unknown.
    """

    name: str
    split: str
    train: int
    licence: str = ""
    credit: str = ""


@dataclass(frozen=True)
class Manifest:
    """What is known about an exported model.

    Args:
        task: What it predicts.
        encoder: Name of its encoder.
        in_channels: Channels of its images; None for texts.
        image_size: (height, width) in pixels to which images were resized for its validation; None for texts.
        names: Name of each class, point or tag.
        hyper_parameters: Arguments of the task's constructor, to build the network again.
        input: What it answers for.
        form: What the weights depend on beside the hyper-parameters, by name.
        ignore_index: Class id of void pixels; None for other tasks, or without void.
        palette: RGB of each class; None for other tasks.
        thresholds: Probabilities above which each tag is predicted, by the way they were chosen: `fixed`, and
            `single` and `per_tag` if a validation chose them; None for other tasks.
        label_map: Class names by the ids or colours in the masks of the data; None if ids are line numbers of
            `codes.txt`.
        scale: How images of more than 8 bits are read; see `triptych.images.read_rgb`.
        precision: Of `model.onnx`: `float32`, `float16` or `int8`.
        data: The training data; None if the run does not say.
        scores: Scores of the validation; None if there are no data to score on.
        versions: Version of each package that trained it, or for the `onnx` ones exported it.
        files: Each other file of the folder, by name.
    """

    task: Task
    encoder: str
    in_channels: int | None
    image_size: tuple[int, int] | None
    names: list[str]
    hyper_parameters: dict[str, Any]
    input: Input = "image"
    form: dict[str, bool] = field(default_factory=dict)
    ignore_index: int | None = None
    palette: list[tuple[int, int, int]] | None = None
    thresholds: dict[str, list[float]] | None = None
    label_map: dict[str, str | None] | None = None
    scale: float | list[float] | None = None
    precision: str = "float32"
    data: DataCard | None = None
    scores: Scores | None = None
    versions: dict[str, str] = field(default_factory=dict)
    files: dict[str, FileCard] = field(default_factory=dict)

    def text(self) -> str:
        """The content of `model.json`."""
        content = {"format": FORMAT, **asdict(self)}
        if self.scores is not None:  # apart from the scores, of which earlier releases read no further keys
            content[_APART] = {name: content["scores"].pop(name) for name in ("intervals", "drawn")}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Reads a `model.json`.

        Raises:
            FileNotFoundError: It does not exist.
            BadSampleError: It is not one of a form that this version reads.
        """
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: no such file; expected the folder of an exported model, which `triptych export RUN` writes."
            )
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls._of(content, path)
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise BadSampleError(f"{path}: expected the JSON of an exported model, got another content.") from error

    @classmethod
    def _of(cls, content: Any, path: Path) -> "Manifest":
        version = content.get("format") if isinstance(content, Mapping) else None
        if version != FORMAT:
            raise BadSampleError(f"{path}: expected format {FORMAT} of an exported model, got {version!r}.")
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        try:
            values["image_size"] = None if values["image_size"] is None else tuple(values["image_size"])
            values["palette"] = [tuple(color) for color in values.get("palette") or ()] or None
            values["hyper_parameters"] = dict(values["hyper_parameters"])
            values["data"] = None if values.get("data") is None else DataCard(**values["data"])
            if values.get("scores") is not None:
                apart = content.get(_APART, {"intervals": {}})
                apart["intervals"] = {name: tuple(bounds) for name, bounds in apart["intervals"].items()}
                values["scores"] = Scores(**values["scores"], **apart)
            values["files"] = {name: FileCard(**card) for name, card in values.get("files", {}).items()}
            manifest = cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadSampleError(f"{path}: expected the keys of an exported model; {error}.") from error
        for name, choices in (("task", get_args(Task)), ("input", get_args(Input))):
            if (got := getattr(manifest, name)) not in choices:
                raise BadSampleError(f"{path}: {name}: expected one of {', '.join(choices)}, got {got!r}.")
        if manifest.input == "image" and (manifest.image_size is None or manifest.in_channels is None):
            raise BadSampleError(f"{path}: expected image_size and in_channels of a model of images, got null.")
        return manifest
