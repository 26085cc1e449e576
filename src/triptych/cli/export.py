"""`triptych export`: writes a trained model as files."""

from collections.abc import Sequence

from triptych.cli.command_parser import CommandParser
from triptych.datamodules.saved_data import saved_data
from triptych.export import export_model
from triptych.trainer.messages import no_advice


def export(args: Sequence[str]) -> None:
    """`triptych export RUN`: writes a trained model into a folder that needs no torch."""
    options = _export_parser().parse_args(args)
    no_advice()
    data = None if options.root is None else saved_data(options.run, options.root)
    size = None if options.image_size is None else tuple(options.image_size)
    folder = export_model(options.run, options.output, data, image_size=size, half=options.half, int8=options.int8)
    print(f"exported: {folder}")


def _export_parser() -> CommandParser:
    parser = CommandParser(
        "triptych export RUN [--output DIR] [--root DIR] [--image-size HEIGHT WIDTH] [--half | --int8 DIR]",
        "Writes a trained model into a folder: ONNX, safetensors, JSON and a model card.",
    )
    parser.add_argument("run", metavar="RUN", help="folder of the run, such as runs/camvid/version_0, or a checkpoint")
    parser.add_argument("--output", metavar="DIR", help="folder to write (default: RUN/exported)")
    parser.add_argument("--root", metavar="DIR", help="folder of the data, if it is not the one in the configuration")
    parser.add_argument(
        "--image-size",
        nargs=2,
        type=int,
        metavar=("HEIGHT", "WIDTH"),
        help="size of the images in validation, for a run without config.yaml",
    )
    smaller = parser.add_mutually_exclusive_group()
    smaller.add_argument("--half", action="store_true", help="float16: half the size")
    smaller.add_argument("--int8", metavar="DIR", help="8-bit integers: a quarter; DIR has images to calibrate with")
    return parser
