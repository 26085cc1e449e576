"""Tokens as a text to read."""

import re
from collections.abc import Callable, Iterable, Iterator

from triptych.text.rules import BOS, MAJ, PAD, REP, UNK, UP, WREP

_COUNT = re.compile(r"[1-9]\d{0,2}")
"""How often `xxrep` and `xxwrep` repeat at most: a model may write any number."""
_SHOWN = {UNK: "<unk>", "i": "I"}
_CASES = {UP: str.upper, MAJ: str.capitalize}
_ENDS = re.compile(r"[.,;:!?%)\]}…']+|n['\u2019]t|['\u2019](?:s|m|d|re|ve|ll)", re.IGNORECASE)
"""Tokens without a space before them."""
_STARTS = re.compile(r"[(\[{$£€#]")
_BETWEEN = re.compile(r"[-/\n]")


def readable(tokens: Iterable[str]) -> str:
    """Tokens as a text: words with their capitals, repeated as their marks say, and spaces where English has them.

    An unknown word is shown as `<unk>`. It is no inverse of the tokenizer: ` - ` and `-` are the same tokens.

    Args:
        tokens: Tokens, special ones among them.

    Examples:
        >>> readable(["xxbos", "xxmaj", "it", "was", "n't", "xxup", "that", "bad", "xxrep", "4", "!"])
        "It wasn't THAT bad!!!!"
    """
    text, is_joined, is_quoted = "", True, False
    for word in _spelled(tokens):
        ends, starts = bool(_ENDS.fullmatch(word)), bool(_STARTS.fullmatch(word))
        if word == '"':
            ends, starts, is_quoted = is_quoted, not is_quoted, not is_quoted
        elif _BETWEEN.fullmatch(word):
            ends = starts = True
        text += word if is_joined or ends else f" {word}"
        is_joined = starts
    return text


def _spelled(tokens: Iterable[str]) -> Iterator[str]:
    """Words in their case and number."""
    case: Callable[[str], str] = str
    mark, count = "", 1
    for token in tokens:
        if mark and count == 1 and _COUNT.fullmatch(token):
            count = int(token)
        elif token in (REP, WREP):
            mark, count = token, 1
        elif token in _CASES:
            case = _CASES[token]
        elif token not in (BOS, PAD):
            word = case(_SHOWN.get(token, token))
            yield (" " if mark == WREP else "").join([word] * count)
            case, mark, count = str, "", 1
