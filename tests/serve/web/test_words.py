"""The page cuts a text into the tokens that Python cuts it into, and reads it with the numbers of the vocabulary."""

# ruff: noqa: RUF001  signs that look like others are among what is tested

import json
import random
import shutil
import subprocess
from html.entities import html5
from pathlib import Path
from typing import Any

import pytest
from exported_texts import VOCAB, write_text_model

from triptych.exported import ExportedFolder
from triptych.runtime import load
from triptych.serve.page import text_reader
from triptych.serve.web_files import bundled
from triptych.text import Tokenizer

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node here")
_SCRIPTS = ("python_pattern", "html_entities", "text_rules", "tokenizer", "words")
_RUN = """
import { readFileSync } from "node:fs";
const { given, texts } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const words = new Words(given);
console.log(JSON.stringify(texts.map((text) => [words.tokens(text), words.numbersOf(text)])));
"""
WRITTEN = [
    "",
    " \n\t ",
    "I didn't LIKE it.<br />Never.",
    "half \ud83d a character\udc4d",
    "Raising Victor Vargas: A Review<br /><br />You know, <i>Raising</i> isn't bad!!!!!",
    "so so so so good, ha ha ha ha\nha HA HA HA HA 10/10 #1 \\o/",
    "“Curly” ‘quotes’ – it’s the film’s don’t—really…",
    "http://www.imdb.com/title/tt0011111/?ref=x www.x.org me@x.com a.b (http://x.co/a).",
    "£5.50 $1,000,000 3.5km 10:30pm 1/2 20% 1-2 -5 +7 the '90s 1990s 7th",
    "U.S. U.S.A. e.g. i.e. Mr. O'Neill Ph.D. C++ :-) :( <3 ;) (= ^_^ o_O don'tcha y'all Y'ALL'D'VE",
    "naïve café Ünïcödé ñandú ΟΔΟΣ ὈΔΥΣΣΕΎΣ İstanbul ǅ ß ſo Kelvin \u212a Русский العربية 中文字 日本語 한국어",
    "emoji 😀👍🏽🇩🇪 ☕️ 👩‍👩‍👧 😀😀😀😀😀 x\u200by \ufeffz \xa0 a\u2003b\x1cc\x85d\u2028e",
    "&amp; &lt;p&gt; &eacute;&eacuteX &notit; &#39; #39; &#146; &#x1F600; &#0; &#x80; &#xD800; &#11; amp; &quot",
    "<unk> xxbos XXPAD xxunk xxmaj <p>x</p> <notatag> a < b > c 1<2 <BR/><hr class='x'>y",
    "x" * 250 + "." * 150 + " -" * 30 + 'a-b-c--d---e a@-@b 1 @,@ 000 \\n \\" \r\n \r ]] [[ {} {x} (a)b(c)',
]
PIECES = [
    *(" \n\r\t\xa0\u2003\u2028\x1c\x85\u200b\ufeff.,!?;:'\"()[]{}<>-–—…/\\@#$%^&*_+=|~`´“”‘’«»。，「」·،؟"),
    *("0123456789aAbBéßñДжΣσςǅİıſ中文ي😀👍🏽🇩🇪☕°CKk£€"),
    *("http://a.bc/d?e=f", "www.x.org", "me@x.com", "3.5", "1,000", "10km", "U.S.", "it's", "DON'T", "O'Neill", "e.g."),
    *("C++", ":-)", "foo-bar", "a/b", "A.B", "-->", "&amp;", "&amp", "&eacute", "&#39;", "#39;", "&#x80;", "&#11;"),
    *("<br />", "<P>", "</i>", "<unk>", "\\n", '\\"', " @-@ ", "xxbos", "so so so so so ", "HA HA HA HA ", "!!!!!"),
]


def _texts(number: int) -> list[str]:
    """Texts of all that the rules know, in any order."""
    chance, exceptions = random.Random(0), [*Tokenizer.english().rules["exceptions"]]

    def piece() -> str:
        return chance.choice(exceptions if chance.random() < 0.3 else PIECES) + " " * (chance.random() < 0.3)

    return ["".join(piece() for _ in range(chance.randint(1, 30))) for _ in range(number)]


def in_node(given: dict[str, Any], texts: list[str], folder: Path) -> list[tuple[list[str], list[int]]]:
    """The tokens of texts and their numbers, as the page has them."""
    script, data = folder / "run.mjs", folder / "data.json"
    script.write_text(bundled(_SCRIPTS) + _RUN, encoding="utf-8")
    data.write_text(json.dumps({"given": given, "texts": texts}), encoding="utf-8")
    command = [str(NODE), str(script), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found: list[tuple[list[str], list[int]]] = json.loads(done.stdout)
    return found


def test_tokens_and_numbers_of_a_text_are_those_of_python(tmp_path: Path) -> None:
    exported = write_text_model(tmp_path / "model")
    texts = [*WRITTEN, *_texts(300)]
    tokenizer = Tokenizer.english()
    for text, (tokens, numbers) in zip(texts, in_node(text_reader(exported), texts, tmp_path), strict=True):
        assert tokens == tokenizer(text), text
        assert numbers == VOCAB.numericalize(tokens)


def test_an_exported_model_brings_rules_of_its_own(tmp_path: Path) -> None:
    exported = write_text_model(tmp_path / "model")
    rules = {
        "exceptions": {"a.b": ["a", ".b"], "(x)": ["(x", ")"]},
        "prefix": r"^[(\[]",
        "suffix": r"[]).\-]$",
        "infix": r"(?<=\w)\.(?=\w)|\U0001F600",
        "url": r"(?u)^\S+:\d+$",
    }
    texts = ["(a.b). (c.d-) [x]] ((x)) (h:٣) n:1.2 e\U0001f600f x\u0301.y", "(x) (x)."]
    given = text_reader(exported) | {"rules": rules}
    found = [tokens for tokens, _ in in_node(given, texts, tmp_path)]
    assert found == Tokenizer.from_rules(rules).many(texts)


@pytest.mark.parametrize("pattern", [r"\Aa", r"[\W]", r"\z"])
def test_a_pattern_that_a_browser_has_no_words_for_is_refused(pattern: str, tmp_path: Path) -> None:
    given = text_reader(write_text_model(tmp_path / "model"))
    given["rules"]["infix"] = pattern
    with pytest.raises(AssertionError, match="expected a pattern without "):
        in_node(given, ["a"], tmp_path)


def test_a_page_carries_what_reads_a_text(tmp_path: Path) -> None:
    exported: ExportedFolder = write_text_model(tmp_path)
    given = text_reader(exported)
    assert given["vocab"] == [*VOCAB.itos] and given["entities"] == html5
    assert given["rules"] == load(tmp_path).inputs.tokenizer.rules
