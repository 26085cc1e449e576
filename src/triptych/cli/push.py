"""`triptych push`: an exported model on the Hugging Face hub."""

from collections.abc import Sequence

from triptych.cli.command_parser import CommandParser


def push(args: Sequence[str]) -> None:
    """`triptych push DIR USER/NAME`: uploads an exported model."""
    from triptych.export.hub import push_model  # here, as in `triptych.cli.export`

    parser = CommandParser("triptych push DIR USER/NAME", "Uploads an exported model to the Hugging Face hub.")
    parser.add_argument("folder", metavar="DIR", help="folder of the exported model")
    parser.add_argument("name", metavar="USER/NAME", help="its name on the hub; it is created there if it is new")
    options = parser.parse_args(args)
    print(f"pushed: {push_model(options.folder, options.name)}")
