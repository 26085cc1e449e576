"""How well do others classify the course's sample of reviews, if no weights are pretrained?

TF-IDF with logistic regression, by scikit-learn: its defaults, and the simple setting that is known to be good, whose
regularisation is chosen by cross-validation on the training reviews. And fastai: half of the minutes a language model
from nothing, on the training reviews alone, then its encoder in a classifier, unfrozen group by group as in the course.
Its epochs are as many as fit. The threads are those of the environment (`OMP_NUM_THREADS`).

    python benchmarks/imdb_peers.py DATA [--minutes 10] [--seeds 3] [--peer tfidf|fastai]      DATA holds texts.csv
"""

from __future__ import annotations  # names of packages that may be missing

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, pstdev

try:
    import pandas as pd
    from fastai.text import all as fastai
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
except ImportError as error:
    MISSING = f"{error}: this benchmark needs fastai and scikit-learn; `pip install 'fastai>=2.8,<2.9' scikit-learn`."
else:
    MISSING = ""

SMALL = {"emb_sz": 200, "n_hid": 256, "n_layers": 2}
"""An encoder of the size of a model that can be trained from nothing in minutes; fastai's own has (400, 1152, 3)."""
LANGUAGE_FRACTION = 0.5
"""Fraction of the time for the language model."""
MOMENTUM = (0.8, 0.7, 0.8)
STAGES = (
    (-1, 1, 2e-2),
    (-2, 1, slice(1e-2 / 2.6**4, 1e-2)),
    (-3, 1, slice(5e-3 / 2.6**4, 5e-3)),
    (0, 2, slice(1e-3 / 2.6**4, 1e-3)),
)
"""First group that is trained, epochs, rates: fast.ai 2019, lesson 3. The epochs are multiplied to fill the time; the
seconds of one are those that it took in the stage before."""


def only_training() -> fastai.Callback:
    """Leaves out the validation after each epoch and the table of losses: all of the time is training."""

    class OnlyTraining(fastai.Callback):
        def before_fit(self) -> None:
            self.learn.logger = fastai.noop

        def before_validate(self) -> None:
            raise fastai.CancelValidException

    return OnlyTraining()


def tfidf_accuracy(frame: pd.DataFrame, seed: int, tuned: bool) -> float:
    """Fraction of the validation reviews that a logistic regression on TF-IDF gets right.

    Args:
        frame: Columns label, text, is_valid.
        seed: Seed of the folds; without `tuned` nothing is random.
        tuned: One and two words, logarithmic counts, words of one review left out, C by cross-validation in ten folds.
    """
    train, valid = frame[~frame.is_valid], frame[frame.is_valid]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    if tuned:
        model.set_params(tfidfvectorizer__ngram_range=(1, 2), tfidfvectorizer__sublinear_tf=True)
        model.set_params(tfidfvectorizer__min_df=2)
        folds = StratifiedKFold(10, shuffle=True, random_state=seed)
        model = GridSearchCV(model, {"logisticregression__C": [0.1, 1, 10, 100, 1000]}, cv=folds)
    return model.fit(train.text, train.label).score(valid.text, valid.label)


def epoch_seconds(learner: fastai.Learner) -> float:
    """Seconds of an epoch, by those of a tenth of it, in which the rate is 0: no weight changes."""
    start = time.perf_counter()
    learner.fit(1, 0.0, cbs=[only_training(), fastai.ShortEpochCallback(pct=0.1)], reset_opt=True)
    return (time.perf_counter() - start) / learner.train_iter * len(learner.dls.train)


def fastai_accuracy(frame: pd.DataFrame, seed: int, minutes: float, sizes: Mapping[str, int]) -> float:
    """The same of fastai's classifier.

    Args:
        frame: Columns label, text, is_valid.
        seed: Seed of weights and order.
        minutes: Time for all: tokens, language model, classifier.
        sizes: What the encoder differs in from fastai's.
    """
    start = time.perf_counter()
    fastai.set_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        language = train_language(frame, Path(folder), sizes, 60 * minutes * LANGUAGE_FRACTION)
        language.save_encoder("encoder")
        return train_classifier(language, frame, sizes, start + 60 * minutes)


def train_language(frame: pd.DataFrame, folder: Path, sizes: Mapping[str, int], seconds: float) -> fastai.TextLearner:
    """A language model from nothing, with the lesson's batches, dropout and rate."""
    start = time.perf_counter()
    data = fastai.TextDataLoaders.from_df(
        frame, folder, text_col="text", is_lm=True, valid_col="is_valid", bs=48, seq_len=72
    )
    config = {**fastai.awd_lstm_lm_config, **sizes}
    learner = fastai.language_model_learner(data, fastai.AWD_LSTM, config, drop_mult=0.3, pretrained=False, path=folder)
    epochs = max(1, int((start + seconds - time.perf_counter()) / epoch_seconds(learner)))
    learner.fit_one_cycle(epochs, 1e-2, moms=MOMENTUM, cbs=only_training(), reset_opt=True)
    print(f"  language model: {epochs} epochs of {len(data.train)} steps", file=sys.stderr)
    return learner


def train_classifier(
    language: fastai.TextLearner, frame: pd.DataFrame, sizes: Mapping[str, int], deadline: float
) -> float:
    """Accuracy of a classifier with the language model's encoder, trained until `deadline`."""
    data = fastai.TextDataLoaders.from_df(
        frame, text_col="text", label_col="label", valid_col="is_valid", text_vocab=language.dls.vocab, bs=48
    )
    config = {**fastai.awd_lstm_clas_config, **sizes}
    learner = fastai.text_classifier_learner(
        data,
        fastai.AWD_LSTM,
        config=config,
        drop_mult=0.5,
        pretrained=False,
        metrics=fastai.accuracy,
        path=language.path,
    )
    learner.load_encoder("encoder")
    learner.unfreeze()
    seconds, to_come = epoch_seconds(learner), sum(share for _, share, _ in STAGES)
    for first, share, rates in STAGES:
        start = time.perf_counter()
        epochs = max(1, round((deadline - start) * share / to_come / seconds))
        learner.freeze_to(first)
        learner.fit_one_cycle(epochs, rates, moms=MOMENTUM, cbs=only_training(), reset_opt=True)
        seconds, to_come = (time.perf_counter() - start) / epochs, to_come - share
        print(f"  classifier from group {first}: {epochs} epochs of {len(data.train)} steps", file=sys.stderr)
    return float(learner.validate()[1])


def measure(name: str, accuracy: Callable[[int], float], seeds: int) -> None:
    """Prints a row: accuracy by seed, mean, standard deviation, mean seconds."""
    found, start = [], time.perf_counter()
    for seed in range(seeds):
        found.append(accuracy(seed))
        print(f"{name}, seed {seed}: {found[-1]:.3f}", file=sys.stderr)
    seconds = (time.perf_counter() - start) / seeds
    each = ", ".join(f"{value:.3f}" for value in found)
    print(f"| {name} | {each} | {fmean(found):.3f} | {pstdev(found):.3f} | {seconds:.0f} |", flush=True)


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA", help="folder that holds texts.csv: label, text, is_valid")
    parser.add_argument("--minutes", type=float, default=10, help="time of fastai's training")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--peer", choices=("tfidf", "fastai"), help="one of the two")
    options = parser.parse_args(args)
    if MISSING:
        sys.exit(MISSING)
    warnings.filterwarnings("ignore")  # what others warn of
    fastai.defaults.callbacks = [fastai.TrainEvalCallback, fastai.Recorder]  # without progress bars
    frame = pd.read_csv(options.data / "texts.csv")
    trained = partial(fastai_accuracy, frame, minutes=options.minutes)
    peers = {
        "tfidf, defaults": partial(tfidf_accuracy, frame, tuned=False),
        "tfidf, tuned": partial(tfidf_accuracy, frame, tuned=True),
        "fastai, its sizes": partial(trained, sizes={}),
        "fastai, small": partial(trained, sizes=SMALL),
    }
    print("| peer | accuracy by seed | mean | spread | seconds |\n| --- | --- | --- | --- | --- |", flush=True)
    for name, accuracy in peers.items():
        if options.peer is None or name.startswith(options.peer):
            measure(name, accuracy, options.seeds)


if __name__ == "__main__":
    main()
