"""The value of a column that splits the samples of a table."""

from triptych.datasets.sample import Split

SPLIT_VALUES = "true or false, 1 or 0, yes or no, or train, valid or test"
"""The values in words, for an error; true validates."""
_WORDS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training", "false", "no", "0", "0.0"),
    "val": ("valid", "val", "validation", "true", "yes", "1", "1.0"),
    "test": ("test",),
}
_SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words}


def split_of(value: str) -> Split | None:
    """The split that a value means, whatever its case; None for another value."""
    return _SPLIT_OF.get(value.strip().lower())
