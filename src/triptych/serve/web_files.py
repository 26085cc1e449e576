"""The files that the page is made of: its markup, style and scripts, and onnxruntime-web."""

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

PAGE_SCRIPTS = (
    *("dom", "facts", "crc", "png", "zip", "picture", "layout", "on_server", "in_browser", "save"),
    *("inputs", "camera", "stage", "image_input", "text_input"),
    *("view", "brush", "legend", "mask_view", "point_view", "tag_view", "category_view", "main"),
)
"""The page's modules; each comes after those that it imports."""

WORKER_SCRIPTS = (
    *("resize", "logits"),
    *("python_pattern", "html_entities", "text_rules", "tokenizer", "words"),
    "worker",
)
"""The modules of the thread that the network runs in."""

_WEB = files("triptych.serve").joinpath("web")
_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def text_of(name: str) -> str:
    """The text of a file."""
    return _WEB.joinpath(name).read_text(encoding="utf-8")


def bundled(names: Sequence[str]) -> str:
    """Modules as one script, without `import` and `export`: no two modules may use the same name at their top.

    A page in a file cannot import other files.
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text_of(f"{name}.js"))) for name in names)


def vendor_card() -> dict[str, Any]:
    """Package, version, licence and files of onnxruntime-web."""
    card: dict[str, Any] = json.loads(text_of("vendor/vendor.json"))
    return card


def packed_runtime() -> tuple[bytes, bytes]:
    """The script and the WebAssembly of onnxruntime-web, each compressed by gzip."""
    code, wasm = (_WEB.joinpath("vendor", f"{name}.gz").read_bytes() for name in vendor_card()["files"])
    return code, wasm
