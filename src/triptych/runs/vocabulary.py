"""The vocabulary of a run, a checkpoint or a file."""

from pathlib import Path

from triptych.errors import BadSampleError
from triptych.files import as_path
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.layout import checkpoint_of
from triptych.text import Vocab


def read_vocabulary(path: str | Path) -> Vocab:
    """The vocabulary of a model of texts.

    Args:
        path: A run folder, a checkpoint, or a JSON file.

    Raises:
        FileNotFoundError: It does not exist, or the folder has no checkpoint.
        BadSampleError: The file is no vocabulary, or the checkpoint none of a model of texts.
    """
    if as_path(path).suffix == ".json":
        return Vocab.read(Path(path))
    checkpoint = checkpoint_of(path)
    tokens = read_checkpoint(checkpoint).get("vocab")
    if tokens is None:
        raise BadSampleError(f"vocab: expected a checkpoint of a model of texts, got {checkpoint}, which has none.")
    try:
        return Vocab(tuple(tokens))
    except (TypeError, ValueError) as error:
        raise BadSampleError(f"{checkpoint}: {error}") from error
