"""Texts: empty ones, copies, labels and their balance, lengths, and what is left of HTML or of a wrong encoding."""

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator

from triptych.datasets.mask_values import percent
from triptych.datasets.text_checks import spelling
from triptych.doctor.duplicates import copies
from triptych.doctor.findings import Finding, first_of
from triptych.doctor.frequencies import frequencies, names_by_split
from triptych.doctor.inventory import Texts
from triptych.text.rules import prepared

_VERY_LONG = 10_000
"""Words from which a text takes much of an epoch; the longest of IMDB's 50,000 reviews has about 2,500."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_WRONG_ENCODING = re.compile("\ufffd|[\x80-\x9f]|\u00c3[\xa0-\xbf\u0152-\u2122]|\u00e2\u20ac|\u00c2[\xa0-\xbf]")
"""The replacement character, control characters that are Windows' quotes and dashes, and UTF-8 read as Latin-1."""


def empty(data: Texts) -> Iterator[Finding]:
    """Rows without a text or a label."""
    for kind, what, cells in (("empty-text", "text", data.texts), ("no-label", "label", data.labels)):
        files = {name: f"no {what}" for name, cell in cells.items() if not cell}
        if files:
            message = f"{len(files)} of {len(cells)} rows have no {what}."
            yield Finding("error", kind, message, "complete or remove them.", files)


def duplicates(data: Texts) -> Iterator[Finding]:
    """Texts with the same words, and those among them with several labels."""
    same: dict[str, list[str]] = defaultdict(list)
    for name, text in data.texts.items():
        if text:
            same[spelling(text)].append(name)
    yield from copies(data, same.values(), "same words as")
    files: dict[str, str] = {}
    for names in same.values():
        labels = {data.labels.get(name, "") for name in names}
        if len(labels) > 1:
            files |= {name: f"{data.labels[name]}, as {names[0]} is {data.labels[names[0]]}" for name in names[1:]}
    if files:
        message = f"{len(files)} texts have the same words as another one, of which some have another label."
        yield Finding("warning", "contradictions", message, "correct their labels.", files)


def labels(data: Texts) -> Iterator[Finding]:
    """How often each label occurs, in all texts and by split."""
    known = {name: label for name, label in data.labels.items() if label}
    counts = Counter(known.values())
    if len(counts) == 1:
        message = f"all {counts.total()} texts have the label {next(iter(counts))!r}."
        yield Finding("error", "one-label", message, "add texts of another label, or set label_column.")
        return
    names = sorted(counts)
    by_split = names_by_split({name: {label} for name, label in known.items()}, data.splits)
    yield from frequencies("labels", names, counts, counts.total(), "texts", by_split)
    balances = []
    for split, texts in data.splits.items():
        of_split = Counter(known[name] for name in texts if name in known)
        if of_split:
            listed = ", ".join(f"{label} {percent(of_split[label] / of_split.total())}" for label in names)
            balances.append(f"{split} ({of_split.total()} texts): {listed}")
    if balances:
        yield Finding("note", "labels-balance", f"{'; '.join(balances)}.")


def lengths(data: Texts) -> Iterator[Finding]:
    """The shortest, the median and the longest text, and those that are very long."""
    words = {name: len(text.split()) for name, text in data.texts.items() if text}
    if not words:
        return
    shortest, longest = min(words.values()), max(words.values())
    median = round(statistics.median(words.values()))
    message = f"{len(words)} texts of {shortest} to {longest} words, median {median}."
    yield Finding("note", "lengths", message)
    files = {name: f"{count} words" for name, count in words.items() if count > _VERY_LONG}
    if files:
        message = f"{len(files)} of {len(words)} texts have more than {_VERY_LONG} words; {first_of(files)}."
        yield Finding("warning", "very-long", message, "cut them, if they are not one text each.", files)


def leftovers(data: Texts) -> Iterator[Finding]:
    """Texts with tags that the tokenizer does not know, or with characters that come of a wrong encoding."""
    tags, characters = {}, {}
    for name, text in data.texts.items():
        if found := _WRONG_ENCODING.search(text):
            characters[name] = repr(text[max(0, found.start() - 10) : found.end() + 10])
        if ("<" in text or "&" in text) and (found := _TAG.search("\n".join(prepared(text)))):
            tags[name] = found[0]
    if characters:
        message = f"{len(characters)} texts hold characters as a wrong encoding makes them; {first_of(characters)}."
        yield Finding("warning", "encoding", message, "save the table as UTF-8 from what it was made of.", characters)
    if tags:
        message = f"{len(tags)} texts hold tags that are taken for words; {first_of(tags)}."
        yield Finding("warning", "html", message, "remove them, unless they are words.", tags)
