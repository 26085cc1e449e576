"""What the server answers: the result of a model as JSON."""

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from triptych.draw.overlay import palette_mask
from triptych.exported import Manifest
from triptych.runtime import CategoryResult, ImageResult, MaskResult, PointResult, Result, TagResult

Json = dict[str, Any]
_Pixels = npt.NDArray[np.uint8]


def answer_of(result: Result) -> Json:
    """The answer of `POST /predict`, as `triptych.serve.openapi` describes it.

    Args:
        result: What the model says about an image or a text.
    """
    match result:
        case MaskResult():
            content = _sides(result) | _mask(result)
        case PointResult():
            content = _sides(result) | _points(result)
        case TagResult():
            content = _sides(result) | _tags(result)
        case CategoryResult():
            content = _categories(result)
        case _:
            raise ValueError(f"expected the result of a known task, got {type(result).__name__}.")
    return {"task": result.manifest.task, **content}


def mask_png(ids: _Pixels, manifest: Manifest) -> bytes:
    """A mask (H, W) as a PNG of 8-bit class ids, in the colours of the classes; void is black."""
    colors = np.zeros((256, 3), np.uint8)  # with fewer, a PNG would have fewer bits, and no 255
    colors[: len(manifest.names)] = np.array(manifest.palette)
    return _png(palette_mask(ids, colors))


def _sides(result: ImageResult) -> Json:
    height, width = result.size
    return {"width": width, "height": height}


def _mask(result: MaskResult) -> Json:
    confidence = Image.fromarray(np.rint(255 * result.confidence).astype(np.uint8))
    return {
        "mask": _base64(mask_png(result.mask, result.manifest)),
        "confidence": _base64(_png(confidence)),
        "classes": _classes(result.mask, result.manifest),
    }


def _classes(ids: _Pixels, manifest: Manifest) -> list[Json]:
    """The classes that occur, the largest first."""
    assert manifest.palette is not None
    counts = np.bincount(ids.ravel(), minlength=len(manifest.names))
    return [
        {
            "id": i,
            "name": manifest.names[i],
            "color": list(manifest.palette[i]),
            "fraction": round(float(counts[i] / ids.size), 6),
        }
        for i in map(int, np.argsort(-counts, kind="stable"))
        if counts[i]
    ]


def _points(result: PointResult) -> Json:
    places = zip(result.manifest.names, result.points.tolist(), strict=True)
    return {"points": [{"name": name, "y": round(y, 3), "x": round(x, 3)} for name, (y, x) in places]}


def _tags(result: TagResult) -> Json:
    names, thresholds = result.manifest.names, result.manifest.thresholds
    assert thresholds is not None
    threshold_of, chosen = dict(zip(names, thresholds["fixed"], strict=True)), result.tags
    return {
        "tags": [
            {
                "name": name,
                "probability": round(probability, 6),
                "threshold": round(threshold_of[name], 6),
                "chosen": name in chosen,
            }
            for name, probability in result.probabilities.items()
        ]
    }


def _categories(result: CategoryResult) -> Json:
    rows = [{"name": name, "probability": round(one, 6)} for name, one in result.probabilities.items()]
    return {"categories": rows, "tokens": result.tokens}


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3)  # twice as fast as the default, a few per cent larger
    return file.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
