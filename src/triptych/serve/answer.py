"""What the server answers: the result of a model as JSON."""

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from triptych.draw.overlay import palette_mask
from triptych.exported import Manifest

Json = dict[str, Any]
_Pixels = npt.NDArray[np.uint8]


def answer_of(result: Any, manifest: Manifest, size: tuple[int, int]) -> Json:
    """The answer of `POST /predict`, as `triptych.serve.openapi` describes it.

    Args:
        result: What `triptych.runtime` returns for an image.
        manifest: Of the model.
        size: (width, height) in pixels of the image as it is shown.
    """
    of_task = {"mask": _mask, "point": _points, "labels": _tags}[manifest.task]
    return {"task": manifest.task, "width": size[0], "height": size[1], **of_task(result, manifest)}


def mask_png(ids: _Pixels, manifest: Manifest) -> bytes:
    """A mask (H, W) as a PNG of 8-bit class ids, in the colours of the classes; void is black."""
    colors = np.zeros((256, 3), np.uint8)  # with fewer, a PNG would have fewer bits, and no 255
    colors[: len(manifest.names)] = manifest.palette
    return _png(palette_mask(ids, colors))


def _mask(result: Any, manifest: Manifest) -> Json:
    ids: _Pixels = result.mask
    confidence = Image.fromarray(np.rint(255 * result.confidence).astype(np.uint8))
    return {
        "mask": _base64(mask_png(ids, manifest)),
        "confidence": _base64(_png(confidence)),
        "classes": _classes(ids, manifest),
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


def _points(result: Any, manifest: Manifest) -> Json:
    places = zip(manifest.names, result.points.tolist(), strict=True)
    return {"points": [{"name": name, "y": round(y, 3), "x": round(x, 3)} for name, (y, x) in places]}


def _tags(result: Any, manifest: Manifest) -> Json:
    thresholds = dict(zip(manifest.names, result.thresholds, strict=True))
    tags = sorted(result.probabilities.items(), key=lambda one: -one[1])
    return {
        "tags": [
            {
                "name": name,
                "probability": round(float(probability), 6),
                "threshold": round(float(thresholds[name]), 6),
                "chosen": name in result.tags,
            }
            for name, probability in tags
        ]
    }


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3)  # twice as fast as the default, a few per cent larger
    return file.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
