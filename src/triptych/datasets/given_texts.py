"""Texts to predict, without labels: files, a folder, a table, or a sentence."""

from pathlib import Path

from triptych.datasets.files import list_files, summary
from triptych.datasets.folders import expect_no_archive
from triptych.datasets.text import read_text
from triptych.datasets.texts import TextRecord, TextRecords
from triptych.errors import BadSampleError, MissingDataError

_TABLES = frozenset({".csv", ".tsv"})
_EXPECTED = "a .txt file of one text, a folder of such files, a table (.csv or .tsv), or a sentence"


def texts_at(given: str | Path, text_column: str = "text") -> list[TextRecord]:
    """The texts that a path or a sentence gives, without labels.

    Args:
        given: A `.txt` file, which is one text; a folder of such files, which may have subfolders; a table with a row a
            text, `.csv` or `.tsv`; or a sentence.
        text_column: Heading of the texts in a table.

    Raises:
        MissingDataError: The path does not exist, or the folder has no `.txt` file.
        BadSampleError: A text is empty, or a file is none of these.
    """
    if isinstance(given, str) and not _is_path(given):
        return [_text(given, "the sentence")]
    path = Path(given)
    expect_no_archive(path)
    if path.is_dir():
        return [_file(file) for file in _files_below(path)]
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file or folder; expected {_EXPECTED}.")
    if path.suffix.lower() in _TABLES:
        return TextRecords(path, text_column, label_column=None, split_column=None).records
    if path.suffix.lower() != ".txt":
        raise BadSampleError(f"{path}: expected {_EXPECTED}, got a file that ends in {path.suffix!r}.")
    return [_file(path)]


def _is_path(given: str) -> bool:
    """Whether a text is a path rather than a sentence: one that exists, ends as one, or is a word with a slash."""
    if given.lower().endswith((".txt", *_TABLES)) or (len(given.split()) == 1 and ("/" in given or "\\" in given)):
        return True
    try:
        return bool(given) and Path(given).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False


def _files_below(folder: Path) -> list[Path]:
    names = sorted(name for name in list_files(folder) if name.lower().endswith(".txt"))
    if not names:
        raise MissingDataError(f"{folder}: expected .txt files, got {summary(folder) or 'no files'}.")
    return [folder / name for name in names]


def _file(path: Path) -> TextRecord:
    return _text(read_text(path, "a text"), str(path))


def _text(text: str, path: str) -> TextRecord:
    if not text.strip():
        raise BadSampleError(f"{path}: expected a text, got {'white space' if text else 'nothing'}.")
    return TextRecord(text=text.strip(), path=path, label=None)
