"""A user's mistakes in one line; of those that jsonargparse finds: the key, what was expected, what came."""

import re

from lightning.fabric.utilities.exceptions import MisconfigurationException

from triptych.errors import MemoryLimitError, UsageError, one_line
from triptych.recipe.stage import STAGE_FIELDS
from triptych.trainer.memory import is_out_of_memory

_KEY = re.compile(r'Parser key "([^"]+)":\s*(.*)', re.DOTALL)
_UNION = re.compile(
    r"Does not validate against any of the Union subtypes.*?\n( *)Errors:\n(.*)"
    r"\n\1Given value type:[^\n]*\n\1Given value: (.*)",
    re.DOTALL,
)
_YAML_WORDS = {
    "NoneType": "null",
    "bool": "true or false",
    "collections.abc.Iterable": "a list",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "str": "text",
    "tuple": "a list",
}
_LEAVES = (
    (r"Option '(.+)' is not accepted.*", r".\1: no such option; `triptych fit{help}` lists the available ones."),
    (
        r"Subcommand '(\w+)' does not accept option '(.+)'",
        r".\2: no such option; `triptych \1 --help` lists the available ones.",
    ),
    (r"Expected an? tuple with (.+)\. Got value: (.*)", r": expected a list with \1, got \2."),
    (r"Expected an? typing\.Literal\[(.+)\]\. Got value: (.*)", r": expected one of \1, got \2."),
    (r"Expected an? (.+)\. Got value: (.*)", r": expected \1, got \2."),
    (r"Problem with given class_path '(.+?)': *(.+)", r": class_path \1 cannot be imported, \2."),
    (r"Import path (\S+) does not correspond to a (subclass of \w+)", r": expected a \2, got \1."),
    (
        r"Expected an instantiatable class, but .* is abstract",
        r": expected a class_path beside its init_args, got none.",
    ),
    (r"Problems parsing config: (.*)", r": expected YAML, but it cannot be read, \1."),
    (
        r"(?:Not of type \w+: )?(?:File does not exist|Path is not a file): '(.*)'",
        r": \1 does not exist; expected a YAML file, or the name of a shipped one such as camvid.",
    ),
    (r"Unexpected config: ?(.*)", r": expected keys with values (model:, data:, trainer:), got '\1'."),
    (r"Expected a dot import path string: (.*)", r": expected a mapping, got \1."),
    (r"the following arguments are required: name", r"stages.name: expected a name for each stage, got nothing."),
    (
        r"the following arguments are required: (recipe\..*)",
        r": expected \1, got nothing; pass a file that sets them, such as `--config recipes/camvid`.",
    ),
    (
        r"the following arguments are required: (.*)",
        r": expected \1, got nothing; pass a file that sets them, such as `--config camvid`.",
    ),
)
"""Innermost messages of jsonargparse, and our replacements."""


def user_message(error: Exception) -> str | None:
    """A user's mistake in one line; None for any other error."""
    if isinstance(error, UsageError):
        return f"{error.file}: {plain(error)}" if error.file else plain(error)
    if isinstance(error, (ValueError, OSError, MisconfigurationException, MemoryLimitError)):
        return plain(error)
    if isinstance(error, ImportError) and str(error).startswith("Install "):  # fsspec's, for a kind of bucket
        return plain(error)
    if is_out_of_memory(error):
        return (
            "out of memory; take --data.batch_size auto, which loads a batch in parts that fit, smaller images, or "
            "--trainer.precision 16-mixed."
        )
    if str(error).startswith("Error(s) in loading state_dict"):
        return "ckpt_path: the checkpoint was saved by a different model."
    return None


def plain(error: Exception) -> str:
    """An error in one line; a message of jsonargparse becomes `key: what was expected, what came`."""
    message = str(error)
    return _translated(message) if isinstance(error, UsageError) or _UNION.match(message) else one_line(error)


def _translated(message: str) -> str:
    """A message of jsonargparse, shortened and reworded.

    It lists an error for every type of a union; only the most specific one is kept.
    """
    keys = ""
    while True:
        if found := _KEY.fullmatch(message):
            keys, message = f"{keys}.{found[1]}", found[2]
        elif found := _UNION.match(message):
            message = _most_specific(re.split(rf"(?:^|\n){found[1]}  - ", found[2])[1:], found[3])
        else:
            break
    message = re.sub(r'in "<unicode string>", ', "at ", " ".join(message.split()))
    message = re.sub(r"<class '([\w.]+)'>", lambda found: _YAML_WORDS.get(found[1], found[1]), message)
    if keys.lstrip(".").split(".")[0] in STAGE_FIELDS:  # jsonargparse omits the `stages` around them
        keys = f".stages{keys}"
    if not keys and (found := re.fullmatch(r"Option '(.+)' is not accepted", message)):
        return f"stages.{found[1]}: no such option; a stage has {', '.join(STAGE_FIELDS)}."
    for pattern, replacement in _LEAVES:
        if found := re.fullmatch(pattern, message):
            help_option = f" --{keys[1:]}.help CLASS" if keys else " --help"
            return (keys + found.expand(replacement).replace("{help}", help_option)).lstrip(".: ")
    return f"{keys[1:]}: {message}" if keys else message


def _most_specific(errors: list[str], value: str) -> str:
    """The first error that is not only about the type; else one that lists all expected types."""
    specific = [error for error in errors if not error.startswith(("Expected a ", "Not a valid subclass"))]
    if specific:
        return specific[0]
    types = [re.sub(r"^Expected a |\. Got value: .*|typing\.Literal\[|\]$", "", error) for error in errors]
    return f"Expected a {' or '.join(types)}. Got value: {value}"
