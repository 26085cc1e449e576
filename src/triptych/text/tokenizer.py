"""The tokens of a text: spaCy's rules for English between the course's rules."""

import functools
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict, cast

from triptych.text.rules import BOS, cased, prepared

_PATTERNS = ("prefix", "suffix", "infix", "url")
_MOST_WORDS = 200_000
"""Different words after which spaCy's tokenizer is made anew, since it keeps each: some 100 MB."""


class Rules(TypedDict):
    """Rules that split words, as plain data.

    `exceptions` has the tokens of a text that the patterns would split otherwise, which joined are that text. The
    patterns are regular expressions: `prefix` and `suffix` of what is cut off a word, `infix` of what divides it, `url`
    of what stays whole.
    """

    exceptions: dict[str, list[str]]
    prefix: str
    suffix: str
    infix: str
    url: str


class Tokenizer:
    r"""Splits texts into tokens.

    spaCy is imported when the first text is split.

    Args:
        rules: How words are split. See `english`, and `from_rules` for rules from a file.

    Examples:
        >>> Tokenizer.english()("I didn't LIKE it.<br />Never.")
        ['xxbos', 'i', 'did', "n't", 'xxup', 'like', 'it', '.', '\n', 'xxmaj', 'never', '.']
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    @classmethod
    def english(cls) -> "Tokenizer":
        """With the rules of spaCy's blank English pipeline, as in the course, and contractions in capitals, `DON'T`.

        Raises:
            ImportError: spaCy is not installed.
        """
        package = _spacy()
        spacy, orth = package.blank("en").tokenizer, package.symbols.ORTH
        exceptions = {text: [piece[orth] for piece in pieces] for text, pieces in spacy.rules.items()}
        contractions = {text: pieces for text, pieces in exceptions.items() if "'" in text and len(pieces) > 1}
        capitals = {text.upper(): [piece.upper() for piece in pieces] for text, pieces in contractions.items()}
        found = (spacy.prefix_search, spacy.suffix_search, spacy.infix_finditer, spacy.url_match)
        prefix, suffix, infix, url = (search.__self__.pattern for search in found)
        return cls(Rules(exceptions=capitals | exceptions, prefix=prefix, suffix=suffix, infix=infix, url=url))

    @classmethod
    def from_rules(cls, rules: Mapping[str, object]) -> "Tokenizer":
        """With rules from a file, such as those of an exported model.

        Raises:
            ValueError: They are no `Rules`.
        """
        expected = sorted(Rules.__annotations__)
        if sorted(rules) != expected:
            raise ValueError(f"rules: expected the keys {', '.join(expected)}, got {', '.join(sorted(rules))}.")
        for key in _PATTERNS:
            _check_pattern(key, rules[key])
        _check_exceptions(rules["exceptions"])
        return cls(cast(Rules, dict(rules)))

    def __call__(self, text: str) -> list[str]:
        """The tokens of a text, of which the first is `xxbos`; a newline is a token, no other token holds white space.

        Raises:
            ImportError: spaCy is not installed.
        """
        words: list[str] = []
        for line in prepared(text):
            words += [*self._split(line), "\n"]
        return [BOS, *cased(words[:-1])]

    def many(self, texts: Iterable[str]) -> list[list[str]]:
        """The tokens of each text."""
        return [self(text) for text in texts]

    def __reduce__(self) -> tuple[type["Tokenizer"], tuple[Rules]]:
        return Tokenizer, (self.rules,)

    def _split(self, line: str) -> Iterator[str]:
        if len(self._of_spacy.vocab) > _MOST_WORDS:
            self.__dict__.pop("_of_spacy", None)  # another thread may have done so
        return (token.text for token in self._of_spacy(line))

    @functools.cached_property
    def _of_spacy(self) -> Any:
        spacy, rules = _spacy(), self.rules
        return spacy.tokenizer.Tokenizer(
            spacy.vocab.Vocab(),
            {text: [{"ORTH": piece} for piece in pieces] for text, pieces in rules["exceptions"].items()},
            prefix_search=re.compile(rules["prefix"]).search,
            suffix_search=re.compile(rules["suffix"]).search,
            infix_finditer=re.compile(rules["infix"]).finditer,
            url_match=re.compile(rules["url"]).match,
        )


def _spacy() -> Any:
    try:
        import spacy
    except ModuleNotFoundError as error:
        if error.name != "spacy":
            raise
        raise ImportError("Splitting a text into tokens needs spaCy; `pip install 'triptych[text]'`.") from error
    return spacy


def _check_pattern(key: str, pattern: object) -> None:
    try:
        re.compile(cast(str, pattern))
    except (TypeError, re.error) as error:
        raise ValueError(
            f"rules: expected a regular expression as {key}, got {reprlib.repr(pattern)} ({error})."
        ) from error


def _check_exceptions(exceptions: object) -> None:
    if not isinstance(exceptions, Mapping):
        raise ValueError(
            f"rules: expected a mapping of texts to their tokens as exceptions, got {reprlib.repr(exceptions)}."
        )
    for text, tokens in exceptions.items():
        is_list = isinstance(tokens, list) and tokens and all(isinstance(token, str) and token for token in tokens)
        if not is_list or "".join(tokens) != text:
            raise ValueError(
                f"rules: expected as exception {text!r} a list of tokens that joined are this text, got "
                f"{reprlib.repr(tokens)}."
            )
