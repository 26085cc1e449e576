"""A vocabulary: the tokens that a model knows, each with a number."""

import functools
import json
import reprlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from triptych.errors import BadSampleError, MissingDataError
from triptych.files import atomic_save
from triptych.text.rules import BOS, PAD, SPECIAL, UNK, UNK_ID


@dataclass(frozen=True)
class Vocab:
    """Tokens by their id, the most frequent first.

    Args:
        itos: The tokens, each once: `xxunk`, `xxpad`, `xxbos`, then any others.

    Raises:
        ValueError: They are no vocabulary.

    Examples:
        >>> vocab = Vocab.of([["xxbos", "a", "film"], ["xxbos", "a", "a"]], min_freq=1)
        >>> vocab.itos[7:]
        ('a', 'film')
        >>> vocab.numericalize(["xxbos", "a", "cat"])
        [2, 7, 0]
    """

    itos: tuple[str, ...]

    def __post_init__(self) -> None:
        if not all(isinstance(token, str) for token in self.itos):
            raise ValueError(f"vocab: expected a list of tokens, got {reprlib.repr([*self.itos])}.")
        first = (UNK, PAD, BOS)
        if self.itos[: len(first)] != first:
            raise ValueError(
                f"vocab: expected the tokens {', '.join(first)} first, got {reprlib.repr([*self.itos[: len(first)]])}."
            )
        if len(self._ids) < len(self.itos):
            token, count = Counter(self.itos).most_common(1)[0]
            raise ValueError(f"vocab: expected each token once, got {reprlib.repr(token)} {count} times.")

    @classmethod
    def of(cls, token_lists: Iterable[Sequence[str]], max_vocab: int = 60_000, min_freq: int = 2) -> "Vocab":
        """The vocabulary of some texts: the special tokens, then the most frequent, of equal ones the first seen.

        Args:
            token_lists: The tokens of each text.
            max_vocab: Largest number of tokens, the special ones included.
            min_freq: How often a token must occur.

        Raises:
            ValueError: `max_vocab` leaves no room for a word, or `min_freq` is below 1.
        """
        if max_vocab <= len(SPECIAL):
            raise ValueError(f"max_vocab: expected more than the {len(SPECIAL)} special tokens, got {max_vocab}.")
        if min_freq < 1:
            raise ValueError(f"min_freq: expected 1 or more, got {min_freq}.")
        counts = Counter(token for tokens in token_lists for token in tokens)
        frequent = [token for token, count in counts.most_common() if count >= min_freq and token not in SPECIAL]
        return cls((*SPECIAL, *frequent)[:max_vocab])

    @classmethod
    def read(cls, path: Path) -> "Vocab":
        """A vocabulary from a JSON file, a list of tokens.

        Raises:
            MissingDataError: The file does not exist.
            BadSampleError: It is no vocabulary.
        """
        if not path.is_file():
            raise MissingDataError(f"{path}: no such file; expected a vocabulary, a JSON list of tokens.")
        try:
            itos = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise BadSampleError(f"{path}: expected a JSON list of tokens in UTF-8, got no JSON ({error}).") from error
        if not isinstance(itos, list):
            raise BadSampleError(f"{path}: expected a JSON list of tokens, got {reprlib.repr(itos)}.")
        try:
            return cls(tuple(itos))
        except ValueError as error:
            raise BadSampleError(f"{path}: {error}") from error

    def save(self, path: Path) -> None:
        """Writes the tokens as a JSON list, atomically."""
        content = json.dumps(self.itos, ensure_ascii=False, indent=0)
        atomic_save(path, lambda part: part.write_text(content + "\n", encoding="utf-8"))

    def numericalize(self, tokens: Iterable[str]) -> list[int]:
        """The ids of tokens; that of `xxunk` for one that is not in the vocabulary."""
        return [self._ids.get(token, UNK_ID) for token in tokens]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The tokens of ids."""
        return [self.itos[i] for i in ids]

    def __len__(self) -> int:
        return len(self.itos)

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.itos)}
