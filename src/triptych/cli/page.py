"""`triptych page`: writes a page around an exported model, one HTML file that needs no server."""

from collections.abc import Sequence
from pathlib import Path

from triptych.cli.command_parser import CommandParser
from triptych.exported import ExportedFolder
from triptych.files import atomic_save
from triptych.serve.page import page_html


def page(args: Sequence[str]) -> None:
    """`triptych page DIR`: writes the page of an exported model, and prints its path and size."""
    parser = CommandParser(
        "triptych page DIR [--output FILE]",
        "Writes one HTML file that runs an exported model in the browser, without server or network.",
    )
    parser.add_argument("folder", metavar="DIR", help="folder of the exported model, from `triptych export`")
    parser.add_argument("--output", metavar="FILE", help="file to write (default: DIR/page.html)")
    options = parser.parse_args(args)
    html = page_html(ExportedFolder(options.folder), offline=True, corrections=True)
    output = Path(options.output or Path(options.folder, "page.html"))
    output.parent.mkdir(parents=True, exist_ok=True)
    atomic_save(output, lambda part: part.write_text(html, encoding="utf-8"))
    print(f"page: {output} ({output.stat().st_size / 1e6:.1f} MB)")
