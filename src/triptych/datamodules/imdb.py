"""Film reviews of IMDB, and any other table of texts: for a language model, or with their labels for a classifier."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from lightning.pytorch.utilities import rank_zero_info
from matplotlib.figure import Figure
from torch.utils.data import DataLoader

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.checks import checked_at_least
from triptych.datamodules.description import part_line
from triptych.datamodules.epoch_order import EpochSampler
from triptych.datamodules.split import Parts, checked_fraction, chosen_way, draw
from triptych.datamodules.streams import StreamSamples
from triptych.datamodules.text_samples import LengthSampler, NumberedText, TextSamples, pad
from triptych.datasets.given_texts import texts_at
from triptych.datasets.imdb import SAMPLE_ARCHIVE
from triptych.datasets.sample import Split, TextSample
from triptych.datasets.text_checks import categories_of, warn_of_leaks
from triptych.datasets.texts import TextRecord, TextRecords
from triptych.draw.sheet import Tile, sheet
from triptych.draw.text import sentence
from triptych.draw.texts import TEXT_WIDTH, text_tile
from triptych.errors import MissingDataError
from triptych.files import as_path
from triptych.runs.vocabulary import read_vocabulary
from triptych.text import Tokenizer, Vocab
from triptych.trainer.messages import is_info_shown

Mode = Literal["lm", "classify"]
"""What the texts are for: a language model, or a classifier."""
_LESSON = {"split_column": "is_valid"}
"""The lesson's way to split, with its default."""


class IMDBDataModule(TriptychDataModule):
    """Texts of a table, with the lesson's decisions as defaults.

    Args:
        root: Folder of the table.
        table: Its file, below `root`; CSV in UTF-8.
        text_column: Heading of the texts.
        label_column: Heading of the labels; a language model needs none.
        split_column: Heading of the column that says which texts validate.
        mode: `"lm"` for a `LanguageModel`: each batch continues the one before. `"classify"` for a `TextClassifier`:
            batches of texts of similar lengths.
        batch_size: Texts per batch and process; for a language model, streams that are read side by side.
        valid_fraction: Fraction of the texts drawn at random by `seed` for validation, in (0, 1), in place of the
            column.
        vocab: Run folder, checkpoint or `vocab.json` whose vocabulary is taken, such as that of a language model; None
            makes one of the texts to train on.
        seq_len: Most tokens that a language model reads at once, at least 1.
        max_vocab: Most tokens of a new vocabulary.
        min_freq: How often a token of a new vocabulary occurs at least.
        loading: Further arguments of `TriptychDataModule`. `predict_path` is a `.txt` file, a folder of them, a table
            or a sentence.

    Raises:
        ValueError: An argument is out of its range, or the texts are split in two ways.

    Source: fast.ai 2019, lesson 3; the reviews: Maas et al., "Learning Word Vectors for Sentiment Analysis", 2011.
    """

    data_set, noun = "imdb", "text"
    archive = SAMPLE_ARCHIVE
    collate = staticmethod(pad)

    def __init__(
        self,
        root: str,
        table: str = "texts.csv",
        text_column: str = "text",
        label_column: str = "label",
        split_column: str | None = "is_valid",
        mode: Mode = "classify",
        batch_size: int | Literal["auto"] = 64,
        *,
        valid_fraction: float | None = None,
        vocab: str | None = None,
        seq_len: int = 72,
        max_vocab: int = 60_000,
        min_freq: int = 2,
        **loading: Any,
    ) -> None:
        super().__init__(root, batch_size, **loading)
        if mode not in get_args(Mode):
            raise ValueError(f"mode: expected one of {', '.join(get_args(Mode))}, got {mode!r}.")
        way = chosen_way({"split_column": split_column, "valid_fraction": valid_fraction}, _LESSON)
        if way == "split_column" and split_column is None:
            raise ValueError("split_column: expected a way to split, got none; set it, or valid_fraction.")
        self.table, self.mode = self.root / table, mode
        self.text_column, self.label_column = text_column, label_column
        self.split_column = split_column if way == "split_column" else None
        self.valid_fraction = checked_fraction(valid_fraction)
        self.given_vocab = vocab
        self.seq_len = checked_at_least(1, "seq_len", seq_len)
        self.max_vocab, self.min_freq = max_vocab, min_freq
        self.target = "next" if mode == "lm" else "category"
        if mode == "lm" and self.sample_weights is not None:
            raise ValueError(
                f"sample_weights: expected none in mode lm, which reads all texts, got {self.sample_weights}."
            )
        self._categories: list[str] | None = None
        self._vocab: Vocab | None = None
        self._parts: Parts | None = None
        self._texts: dict[Split, list[TextRecord]] = {}
        self._train: list[NumberedText] | None = None
        self._told: Parts | None = None

    @property
    def vocab(self) -> Vocab:
        """The vocabulary; available after `setup`."""
        if self._vocab is None:
            raise RuntimeError(f"{type(self).__name__}: call setup() first; there is no vocabulary yet.")
        return self._vocab

    @property
    def parts(self) -> Parts:
        """The rows of each split; available after `setup`."""
        if self._parts is None:
            raise RuntimeError(f"{type(self).__name__}: call setup() first; there are no splits yet.")
        return self._parts

    @property
    def metadata(self) -> dict[str, Any]:
        """`vocab` and `vocab_size`, and for a classifier `num_categories` and `categories`, once they are known."""
        known: dict[str, Any] = {} if self._vocab is None else {"vocab": self._vocab, "vocab_size": len(self._vocab)}
        if self._categories is not None:
            known |= {"num_categories": len(self._categories), "categories": self._categories}
        return known

    @property
    def sources(self) -> list[Path]:
        given = self.given_vocab
        return [self.root, self.table, *([] if given is None else [as_path(given)])]

    def find(self) -> None:
        """Reads the table and splits it, and makes or reads the vocabulary."""
        if not self.root.is_dir():
            raise MissingDataError(
                f"{self.root}: no such folder; expected {self.table.name} in it (`triptych make-data imdb DIR` writes "
                "made-up reviews, `download: true` fetches the course's sample of 1,000)."
            )
        label_column = self.label_column if self.mode == "classify" else None
        table = TextRecords(self.table, self.text_column, label_column, self.split_column)
        self._texts = self._split_texts(table)
        train, held_out = self._texts["train"], [*self._texts["val"], *self._texts["test"]]
        if label_column is not None:
            self._categories = categories_of(train, held_out, self.table)
        warn_of_leaks(train, held_out, self.table)
        self._train = None
        if self.given_vocab is not None:
            self._vocab = read_vocabulary(self.given_vocab)
        else:
            tokens = self._tokenizer.many(record["text"] for record in train)
            self._vocab = Vocab.of(tokens, self.max_vocab, self.min_freq)
            self._train = self._numbered(train, tokens)

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.english()

    def _split_texts(self, table: TextRecords) -> dict[Split, list[TextRecord]]:
        if self.valid_fraction is None:
            how, texts = f"column {self.split_column}", {name: table.of(name) for name in get_args(Split)}
        else:
            how = f"valid_fraction {self.valid_fraction}, seed {self.seed}"
            held_out = {*draw([record["path"] for record in table.records], self.valid_fraction, self.seed)}
            is_val = [record["path"] in held_out for record in table.records]
            pairs = list(zip(table.records, is_val, strict=True))
            texts = {"train": [one for one, val in pairs if not val], "val": [one for one, val in pairs if val]}
            texts["test"] = []
        names = {name: [record["path"] for record in of_split] for name, of_split in texts.items()}
        self._parts = Parts(names["train"], names["val"], names["test"], how, how)
        return texts

    def _numbered(self, records: Sequence[TextRecord], tokens: Sequence[Sequence[str]] | None = None) -> Any:
        """Texts as ids."""
        if tokens is None:
            tokens = self._tokenizer.many(record["text"] for record in records)
        ids = {label: i for i, label in enumerate(self._categories or ())}
        return [
            NumberedText(
                np.array(self.vocab.numericalize(one), np.int32), record["path"], ids.get(record["label"] or "")
            )
            for record, one in zip(records, tokens, strict=True)
        ]

    def split(self, name: Split) -> list[NumberedText]:
        """The texts of `"train"`, `"val"` or `"test"`; the last are those of `"val"` if the table has no others."""
        if name == "train" and self._train is not None:
            return self._train
        numbered: list[NumberedText] = self._numbered(self._texts[name] or self._texts["val"])
        return numbered

    def chosen_by(self, name: Split) -> str:
        return self.parts.how

    def train_paths(self) -> list[Path]:
        return [Path(text.path) for text in self.records["train"]]

    def find_to_predict(self, path: str) -> None:
        records = texts_at(path, self.text_column)
        if self.given_vocab is not None:
            self._vocab = read_vocabulary(self.given_vocab)
        else:
            self._read_vocabulary()
        self.records["predict"] = self._numbered(records)

    def _read_vocabulary(self) -> None:
        """Makes the vocabulary as for training, of the table."""
        try:
            self._read()
        except MissingDataError as error:
            raise MissingDataError(
                f"{str(error).rstrip('.')}; its words are the vocabulary, unless --data.vocab RUN names that of a run."
            ) from error

    def _find_records(self, stage: str) -> None:
        super()._find_records(stage)
        if stage == "fit" and self._told is not self._parts and is_info_shown():
            assert self._parts is not None
            counts = {name: len(self.records[name]) for name in ("train", "val")}
            line = part_line(self._parts, counts, self.table.name, "texts")
            rank_zero_info(f"{line}; vocabulary of {len(self.vocab)} tokens")
            self._told = self._parts

    @property
    def num_train(self) -> int:
        return len(self.train_samples()) if "train" in self.records else 0

    def train_samples(self) -> TextSamples | StreamSamples:
        return self._samples(self.records["train"], shuffle=True)

    def eval_samples(self, split: Split | Literal["predict"]) -> TextSamples | StreamSamples:
        texts = self.records.get(split)
        if texts is None:
            assert split != "predict"
            texts = self.split(split)
        return self._samples(texts, shuffle=False)

    def _samples(self, texts: list[NumberedText], shuffle: bool) -> TextSamples | StreamSamples:
        if self.mode == "classify":
            return TextSamples(texts)
        processes = self.trainer.world_size if self.trainer else 1
        streams = self.micro_batch_size * processes
        return StreamSamples([text.ids for text in texts], streams, self.seq_len, self.seed, shuffle)

    def sampler(self, samples: Any, shuffle: bool, sort: bool = True, **order: Any) -> EpochSampler:
        """Streams in their order, texts by length.

        Args:
            samples: The samples.
            shuffle: Whether they are those of a training.
            sort: Whether texts may be sorted.
            order: Further arguments of `EpochSampler`.
        """
        if isinstance(samples, StreamSamples):
            order.pop("weights", None)
        elif shuffle or sort:
            return LengthSampler(samples.lengths, self.micro_batch_size, shuffle, self.seed, **order)
        return EpochSampler(len(samples), False, self.seed, **order)

    def predict_dataloader(self) -> DataLoader[Any]:
        self._expect("predict")
        return self.loader(self.eval_samples("predict"), order={"sort": False})

    def draw_batch(self, samples: Sequence[Any], columns: int) -> Figure:
        return sheet([self._tile(sample) for sample in samples], columns, TEXT_WIDTH)

    def _tile(self, sample: TextSample) -> Tile:
        """A text with its label, if it has one, and without padding."""
        tokens = self.vocab.tokens(sample["tokens"][: int(sample["size"])].tolist())
        category = None if self._categories is None else self._categories[int(sample["category"])]
        words = [] if category is None else sentence(f"label: {category}")
        return text_tile(sample["path"], tokens, words)
