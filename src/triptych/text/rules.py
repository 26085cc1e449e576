"""The course's rules for a text before and after it is split into words.

Source: fast.ai 2019, `fastai.text.transform` of version 1. Other than there, every newline is a token of its own, tags
other than `<br />` are removed too, and no word of a text becomes the padding or the beginning of a text.
"""

import html
import re
from collections.abc import Iterable, Iterator

UNK, PAD, BOS, REP, WREP, UP, MAJ = "xxunk", "xxpad", "xxbos", "xxrep", "xxwrep", "xxup", "xxmaj"
SPECIAL = (UNK, PAD, BOS, REP, WREP, UP, MAJ)
"""Tokens that are no words, in the order of their ids: unknown word, padding, beginning of a text, character repeated,
word repeated, word in capitals, word with a capital."""
UNK_ID, PAD_ID = 0, 1

_LONGEST_WORD = 100
"""Characters after which a word is cut: spaCy takes a time that grows with the square of a word of punctuation."""
_BLOCKS = "p|div|h[1-6]|hr|ul|ol|li|dl|dt|dd|table|tr|blockquote|pre|center"
_INLINE = "a|abbr|b|big|cite|code|del|em|font|i|img|ins|q|s|small|span|strike|strong|sub|sup|td|th|tt|u"
_HTML = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"(?i)<(?:br|/?(?:{_BLOCKS}))(?:[\s/][^<>]*)?>", "\n"),
        (rf"(?i)</?(?:{_INLINE})(?:[\s/][^<>]*)?>", ""),
        (r"(?<!&)(#39|#146|#36|\b(?:amp|nbsp|quot));", r"&\1;"),  # entities that lost their `&`
    )
]
_LEFT_OVERS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\r\n?|\\n", "\n"),
        (r"\\\"", '"'),
        (r"[\ud800-\udfff]", "\ufffd"),  # half a character, which is none of UTF-8
        (r"<unk>", UNK),
        (r" @([.,-])@ ", r"\1"),  # how WikiText writes 1,000 and first-rate
    )
]
_REPEATED_CHARACTER = re.compile(r"(\S)\1{3,}")
_REPEATED_WORD = re.compile(r"\b(\w+)(?:[^\S\n]+\1\b){3,}")
_APART = re.compile(r"([/#\\])")
_TOO_LONG = re.compile(rf"(\S{{{_LONGEST_WORD}}})(?=\S)")


def prepared(text: str) -> list[str]:
    r"""The lines of a text, ready to be split into words, with one space between two words.

    HTML is removed, a character or word that comes four times or more in a row becomes `xxrep 4 c` or `xxwrep 4 word`,
    and `/`, `#` and `\` stand apart. A word of more than 100 characters is cut.

    Args:
        text: Any text.

    Examples:
        >>> prepared("It&#39;s so so so so good!!!!!<br />10/10")
        ["It's xxwrep 4 so good xxrep 5 !", '10 / 10']
    """
    for pattern, replacement in _HTML:
        text = pattern.sub(replacement, text)
    text = html.unescape(text)
    for pattern, replacement in _LEFT_OVERS:
        text = pattern.sub(replacement, text)
    text = _REPEATED_CHARACTER.sub(lambda found: f" {REP} {len(found[0])} {found[1]} ", text)
    text = _REPEATED_WORD.sub(lambda found: f" {WREP} {len(found[0].split())} {found[1]} ", text)
    text = _TOO_LONG.sub(r"\1 ", _APART.sub(r" \1 ", text))
    return [" ".join(line.split()) for line in text.strip().split("\n")]


def cased(words: Iterable[str]) -> Iterator[str]:
    """Words in lower case, `xxup` before one in capitals, `xxmaj` before one with a capital; no mark for one letter.

    Args:
        words: The words of a text.

    Examples:
        >>> list(cased(["A", "Review", "BY", "me"]))
        ['a', 'xxmaj', 'review', 'xxup', 'by', 'me']
    """
    for word in words:
        if len(word) > 1 and word.isupper():
            yield UP
        elif word[0].isupper() and word[1:].islower():
            yield MAJ
        lower = word.lower()
        yield UNK if lower in (PAD, BOS) else lower
