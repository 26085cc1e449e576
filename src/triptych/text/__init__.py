"""Texts as tokens and numbers: the course's rules, the tokenizer, the vocabulary, and words to read."""

from triptych.text.rules import BOS, MAJ, PAD, PAD_ID, REP, SPECIAL, UNK, UNK_ID, UP, WREP
from triptych.text.tokenizer import Rules, Tokenizer
from triptych.text.vocab import Vocab
from triptych.text.words import readable

__all__ = [
    "BOS",
    "MAJ",
    "PAD",
    "PAD_ID",
    "REP",
    "SPECIAL",
    "UNK",
    "UNK_ID",
    "UP",
    "WREP",
    "Rules",
    "Tokenizer",
    "Vocab",
    "readable",
]
