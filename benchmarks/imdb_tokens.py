"""Whether texts are split into the same tokens as fastai 2 splits them, and why not.

    python benchmarks/imdb_tokens.py DATA

DATA is the folder of `texts.csv`. Prints how many texts and tokens differ, and the places that do by their kind, each
with its most frequent example. Both take the same spaCy; the rules around it differ. Needs fastai, which no test needs.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from triptych.datasets.texts import TextRecords
from triptych.text import MAJ, REP, UP, WREP, Tokenizer

_ELLIPSIS = "…"


class Place(NamedTuple):
    """Tokens of a text where the two differ."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Why they differ."""
        ours, theirs = (" ".join(token for token in tokens if token not in (UP, MAJ)) for tokens in self)
        if any(one.isspace() and one not in " \n" for one in theirs):
            return "other white space: separates words here, a token there"
        if "\n" in theirs:
            return "newlines: each a token here, a run of them one token there"
        if ours == theirs:
            return "capitals: marked by token here, by the spaces around them there"
        if _ELLIPSIS in theirs and _ELLIPSIS not in ours:
            return "three dots: kept here, one character there"
        for mark, noun in ((REP, "characters"), (WREP, "words")):
            if (mark in ours) != (mark in theirs):
                return f"repeated {noun}: from four here, from three there"
        if ours.replace(" ", "") == theirs.replace(" ", ""):
            return "case: words are split before they are in lower case here, after it there"
        return "others"


def places(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Place]:
    """Where the tokens of a text differ."""
    for tag, start, end, other_start, other_end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag != "equal":
            yield Place(tuple(ours[start:end]), tuple(theirs[other_start:other_end]))


def of_fastai(texts: Sequence[str]) -> list[list[str]]:
    """The tokens of texts, as fastai 2 makes them."""
    try:
        from fastai.text.core import SpacyTokenizer, TokenizeWithRules
    except ModuleNotFoundError as error:
        sys.exit(f"imdb_tokens: expected fastai, but {error.name} is missing; `pip install 'fastai>=2.8' spacy`.")
    return [list(tokens) for tokens in TokenizeWithRules(tok=SpacyTokenizer("en"))(texts)]


def main() -> None:
    texts = [record["text"] for record in TextRecords(Path(sys.argv[1], "texts.csv")).records]
    ours, theirs = Tokenizer.english().many(texts), of_fastai(texts)
    found = [[*places(one, other)] for one, other in zip(ours, theirs, strict=True)]
    same = sum(map(len, ours)) - sum(len(place.ours) for text in found for place in text)
    print(f"texts   {len(texts)}, of which {sum(map(bool, found))} differ")
    print(f"tokens  {sum(map(len, ours))} here, {sum(map(len, theirs))} there, of which {same} are the same")
    kinds: dict[str, list[Place]] = {}
    for place in (place for text in found for place in text):
        kinds.setdefault(place.kind, []).append(place)
    print(f"\n{'places':>6} {'here':>6} {'there':>6}")
    for kind, all_of_it in sorted(kinds.items(), key=lambda item: -len(item[1])):
        example, _ = Counter(all_of_it).most_common(1)[0]
        tokens = [sum(len(place[i]) for place in all_of_it) for i in (0, 1)]
        print(f"{len(all_of_it):6} {tokens[0]:6} {tokens[1]:6}  {kind}; {list(example.ours)} / {list(example.theirs)}")


if __name__ == "__main__":
    main()
