"""`triptych score`: scores an exported model."""

from collections.abc import Sequence
from pathlib import Path

from triptych.cli.command_parser import CommandParser
from triptych.cli.configs import with_shipped_configs
from triptych.cli.data_arguments import DATA_SETS, chosen_data, data_options
from triptych.export import scoring
from triptych.tasks.split_scores import between, draws_of
from triptych.trainer.messages import no_advice


def score(args: Sequence[str]) -> None:
    """`triptych score DIR NAME DATA`: scores an exported model on the validation split of some data."""
    changes, others = data_options(with_shipped_configs(args))
    options = _score_parser().parse_args(others)
    no_advice()
    data = chosen_data(options.name, options.data, options.config, changes)
    scores = scoring.score(Path(options.folder), data)
    print(f"{scores.samples} samples of {scores.split}")
    for name, value in scores.values.items():
        interval = between(value, scores.intervals.get(name))
        print(f"{name}: {value:#.4g}{interval and f' ({interval})'}")
    if scores.drawn:
        print(draws_of(scores.drawn))


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
