"""`triptych export` and `triptych score`: a model as files, and the scores of these files."""

from collections.abc import Sequence
from pathlib import Path

from triptych.cli.command_parser import CommandParser
from triptych.cli.configs import with_shipped_configs
from triptych.cli.data_arguments import DATA_SETS, chosen_data, data_options


def export(args: Sequence[str]) -> None:
    """`triptych export RUN`: writes a trained model into a folder that needs no torch."""
    from triptych.datamodules.saved_data import saved_data
    from triptych.export import export_model  # here, since onnx and onnxruntime take a second to import

    options = _export_parser().parse_args(args)
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


def score(args: Sequence[str]) -> None:
    """`triptych score DIR NAME DATA`: scores an exported model on the validation split of some data."""
    from triptych.export.scoring import score as score_exported  # see `export`

    changes, others = data_options(with_shipped_configs(args))
    options = _score_parser().parse_args(others)
    data = chosen_data(options.name, options.data, options.config, changes)
    scores = score_exported(Path(options.folder), data)
    print(f"{scores.samples} samples of {scores.split}")
    for name, value in scores.values.items():
        print(f"{name}: {value:.4f}")


def _score_parser() -> CommandParser:
    parser = CommandParser(
        "triptych score DIR NAME DATA, or triptych score DIR --config FILE",
        "Scores an exported model on a validation split, with the metrics of its task. --data.NAME VALUE sets an "
        "argument of the data, such as --data.valid_list valid_drive.txt.",
    )
    parser.add_argument("folder", metavar="DIR", help="folder of the exported model")
    parser.add_argument("name", nargs="?", choices=[*DATA_SETS], metavar="NAME", help=", ".join(DATA_SETS))
    parser.add_argument("data", nargs="?", metavar="DATA", help="folder of the data")
    parser.add_argument("--config", metavar="FILE", action="append", help="take the data of a configuration")
    return parser
