"""`triptych serve`: the page of an exported model, which computes on this machine."""

import json
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from triptych.cli.command_parser import CommandParser
from triptych.errors import UsageError
from triptych.exported import ExportedFolder, Manifest
from triptych.views import TTAChoice

try:
    from triptych.runtime import load
    from triptych.serve.app import build_app
    from triptych.serve.corrections import Corrections
    from triptych.serve.page import page_html
    from triptych.serve.server import Listener, run
except ModuleNotFoundError as error:
    raise ImportError(f"triptych serve needs {error.name}: `pip install triptych[serve]`.") from error

_TOKEN = re.compile(r"[\w-]{16,}", re.ASCII)


def serve(args: Sequence[str]) -> None:
    """`triptych serve DIR`: serves the page of an exported model until Ctrl-C."""
    options = _parser().parse_args(args)
    _refuse_token(options.token)
    with Listener(options.host, options.port) as listener:
        model = load(options.folder, _tta(options.tta))
        manifest: Manifest = model.manifest
        corrections = None if options.corrections is None else Corrections(Path(options.corrections), manifest)
        page = page_html(ExportedFolder(options.folder), offline=False, corrections=corrections is not None)
        model(model.inputs.example)  # the first answer takes longest
        token = options.token or (None if listener.is_local else secrets.token_urlsafe())
        app = build_app(model, page, corrections, hosts=listener.names if listener.is_local else None, token=token)
        print(f"page: {listener.address}{f'?token={token}' if token else ''}")
        _say(manifest, corrections)
        run(app, listener)


def _say(manifest: Manifest, corrections: Corrections | None) -> None:
    """Prints what is served."""
    of = "" if manifest.data is None else f" of {manifest.data.name}"
    pixels = "" if manifest.image_size is None else ", {}x{} pixels".format(*manifest.image_size)
    print(f"model: {manifest.task}{of}, {manifest.encoder}, {len(manifest.names)} outputs{pixels}")
    if (scores := manifest.scores) is not None:
        values = ", ".join(f"{name} {value:.4f}" for name, value in scores.values.items())
        print(f"scores: {values} on {scores.samples} samples ({scores.split})")
    if corrections is not None:
        print(f"corrections: {corrections.folder} ({len(corrections)} so far)")
    print("Ctrl-C ends it.", flush=True)


def _tta(text: str | None) -> TTAChoice:
    """The views of an image over which answers are averaged."""
    if text is None or not text.startswith("{"):
        return text
    try:
        choice: TTAChoice = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--tta: expected flip, dihedral, or JSON, got {text!r} ({error}).") from error
    return choice


def _refuse_token(token: str | None) -> None:
    if token is not None and not _TOKEN.fullmatch(token):
        raise UsageError("--token: expected at least 16 letters, digits, - and _; without --token one is made.")


def _parser() -> CommandParser:
    parser = CommandParser(
        "triptych serve DIR [--corrections FOLDER] [--host HOST] [--port PORT] [--token TOKEN] [--tta VIEWS]",
        "Serves the page of an exported model, and answers programs: POST /predict, see /openapi.json.",
    )
    parser.add_argument("folder", metavar="DIR", help="folder of the exported model")
    parser.add_argument("--corrections", metavar="FOLDER", help="save corrections there, as data to train on")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 takes one that is free")
    parser.add_argument("--token", help="what requests must know; made for an address that others reach")
    parser.add_argument("--tta", metavar="VIEWS", help='flip, dihedral, or JSON such as {"scales": [0.75, 1, 1.25]}')
    return parser
