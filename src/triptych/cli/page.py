"""`triptych page`: writes a page around an exported model, one HTML file that needs no server."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from triptych.errors import UsageError
from triptych.exported import ExportedFolder
from triptych.files import atomic_save
from triptych.serve.page import page_html


def page(args: Sequence[str]) -> None:
    """`triptych page DIR`: writes the page of an exported model, and prints its path and size."""
    parser = _Parser(
        prog="triptych page",
        description="Writes one HTML file that runs an exported model in the browser, without server or network.",
    )
    parser.add_argument("folder", metavar="DIR", help="folder of the exported model, from `triptych export`")
    parser.add_argument("--output", metavar="FILE", help="file to write (default: DIR/page.html)")
    options = parser.parse_args(args)
    html = page_html(ExportedFolder(options.folder), offline=True, corrections=True)
    output = Path(options.output or Path(options.folder, "page.html"))
    output.parent.mkdir(parents=True, exist_ok=True)
    atomic_save(output, lambda part: part.write_text(html, encoding="utf-8"))
    print(f"page: {output} ({output.stat().st_size / 1e6:.1f} MB)")


class _Parser(argparse.ArgumentParser):
    """A parser that raises an error instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"expected `triptych page DIR [--output FILE]`; {message}.")
