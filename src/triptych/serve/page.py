"""The page of an exported model, as one HTML file."""

import base64
import gzip
import hashlib
import json
from html.entities import html5
from string import Template
from typing import Any

from triptych.errors import BadSampleError
from triptych.exported import ExportedFolder, Manifest
from triptych.serve.about import about, has_point_names, kind, lead, title
from triptych.serve.limits import Limits
from triptych.serve.web_files import PAGE_SCRIPTS, WORKER_SCRIPTS, bundled, packed_runtime, text_of

_RGB = 3
_ANY_SIZE = (3, 4)
"""Proportions, height first, that nothing is shown in: a model of texts has no images."""


def page_html(folder: ExportedFolder, offline: bool, corrections: bool) -> str:
    """The page: it shows what the model predicts for an image or a text, and takes corrections.

    Args:
        folder: The exported model.
        offline: Whether the page carries the network and what runs it, so that it needs no server; otherwise it asks
            `POST /predict` and `POST /corrections` of the server that it came from.
        corrections: Whether predictions can be corrected and saved.

    Raises:
        FileNotFoundError: The folder or a file of it does not exist.
        BadSampleError: A file has changed since the export, or the browser alone cannot read the images of the model.
    """
    manifest = folder.read(folder.onnx) if offline else folder.read()
    if offline and manifest.in_channels not in (_RGB, None):
        raise BadSampleError(
            f"{folder.manifest}: in_channels: expected 3, since browsers read RGB images alone, got "
            f"{manifest.in_channels}; use `triptych serve` for this model."
        )
    height, width = manifest.image_size or _ANY_SIZE
    given = Template(text_of(f"{manifest.input}.html")).substitute(corrections="" if corrections else "hidden")
    script = bundled(PAGE_SCRIPTS)
    return Template(text_of("page.html")).substitute(
        policy=_policy(script) if offline else "",
        style=text_of("page.css"),
        ratio=f"{width} / {height}",
        task=manifest.task,
        kind=kind(manifest),
        title=title(manifest),
        lead=lead(manifest),
        about=about(manifest, offline),
        given=given,
        facts=_json(model_facts(manifest, offline)),
        carried=_carried(folder, manifest) if offline else "",
        script=script,
    )


def model_facts(manifest: Manifest, offline: bool) -> dict[str, Any]:
    """What the page's scripts know about the model; see `web/facts.js`."""
    return {
        "task": manifest.task,
        "input": manifest.input,
        "names": manifest.names,
        "palette": manifest.palette,
        "ignore_index": manifest.ignore_index,
        "thresholds": None if manifest.thresholds is None else manifest.thresholds["fixed"],
        "image_size": manifest.image_size,
        "most_characters": Limits().characters,
        "has_point_names": has_point_names(manifest),
        "backend": "browser" if offline else "server",
    }


def text_reader(folder: ExportedFolder) -> dict[str, Any]:
    """What the page's scripts read a text with: the model's rules and vocabulary; see `web/words.js`."""
    rules, vocab = (json.loads(path.read_bytes()) for path in (folder.tokenizer, folder.vocab))
    return {"rules": rules, "vocab": vocab, "entities": html5}


def _carried(folder: ExportedFolder, manifest: Manifest) -> str:
    """The elements with the worker's script, the network and what runs it, each of them compressed."""
    code, wasm = packed_runtime()
    packed = {"runtime": code, "wasm": wasm, "model": gzip.compress(folder.onnx.read_bytes(), mtime=0)}
    if manifest.input == "text":
        packed["words"] = gzip.compress(json.dumps(text_reader(folder)).encode(), mtime=0)
    parts = [f'<script type="text/plain" id="worker">\n{bundled(WORKER_SCRIPTS)}</script>']
    parts += [f'<script type="text/plain" id="{name}">{_base64(data)}</script>' for name, data in packed.items()]
    return "\n".join(parts)


def _policy(script: str) -> str:
    """The element that forbids the page each request, and all scripts but its own."""
    digest = _base64(hashlib.sha256(f"\n{script}\n".encode()).digest())
    rules = [
        "default-src 'none'",
        f"script-src 'sha256-{digest}' 'wasm-unsafe-eval' blob:",
        "worker-src blob:",
        "style-src 'unsafe-inline'",
        "img-src blob:",
        "media-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">'


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
