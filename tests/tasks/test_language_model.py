"""Language models: the next token of a text."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lightning import Trainer

from triptych import IMDBDataModule, LanguageModel
from triptych.runs.layout import RunLayout
from triptych.text import Vocab

TINY = {"embedding_size": 8, "hidden_size": 12, "num_layers": 2}


def _data(root: Path, **changed: object) -> IMDBDataModule:
    return IMDBDataModule(str(root), mode="lm", **{"batch_size": 4, "seq_len": 11, **changed})


def test_the_state_goes_on_from_batch_to_batch_in_training_and_validation(
    drawn_reviews: Path, make_trainer: Callable[..., Trainer]
) -> None:
    torch.manual_seed(0)
    model = LanguageModel(**TINY, dropout=0.0, alpha=0.0, beta=0.0, max_lr=1e-9)
    data = _data(drawn_reviews)
    trainer = make_trainer(max_epochs=1)
    trainer.fit(model, data)
    texts = data.eval_samples("val")
    tokens = torch.cat([torch.stack([texts[4 * c + s]["tokens"] for s in range(4)]) for c in range(len(texts) // 4)], 1)
    target = torch.cat([torch.stack([texts[4 * c + s]["next"] for s in range(4)]) for c in range(len(texts) // 4)], 1)
    model.eval()
    with torch.no_grad():
        whole = torch.nn.functional.cross_entropy(model(tokens).flatten(0, 1), target.flatten(), ignore_index=-100)
    assert float(trainer.callback_metrics["val/loss"]) == pytest.approx(float(whole), rel=1e-6)
    assert float(trainer.callback_metrics["val/perplexity"]) == pytest.approx(float(whole.exp()), rel=1e-5)


def test_the_vocabulary_travels_with_the_checkpoint_and_other_data_are_refused(
    drawn_reviews: Path, make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    model, trainer = LanguageModel(**TINY), make_trainer(max_steps=1, limit_val_batches=0)
    trainer.fit(model, _data(drawn_reviews))
    path = tmp_path / "model.ckpt"
    trainer.save_checkpoint(path)
    loaded = LanguageModel.load_from_checkpoint(path, weights_only=True)
    assert isinstance(loaded.vocab, Vocab)
    assert loaded.vocab == model.vocab
    words = rf"^vocab: the model has {len(loaded.vocab)} tokens, the data have \d+ \(one is longer\); give"
    with pytest.raises(ValueError, match=words):
        make_trainer().validate(loaded, _data(drawn_reviews, min_freq=1), verbose=False)
    make_trainer().validate(loaded, _data(drawn_reviews, min_freq=1, vocab=str(path)), verbose=False)


def test_words_are_drawn_by_their_probability_the_same_for_a_seed(drawn_reviews: Path) -> None:
    data = _data(drawn_reviews)
    data.setup("fit")
    model = LanguageModel(**TINY)
    model.resolve(data.metadata)
    model.configure_model()
    words = model.predict_words("The film was", num_words=12, seed=3)
    assert words.startswith("The film was")
    assert words == model.predict_words("The film was", num_words=12, seed=3)
    assert words != model.predict_words("The film was", num_words=12, seed=4)
    assert "<unk>" not in words
    cold = [model.predict_words("The film was", 5, temperature=1e-4, seed=seed) for seed in range(2)]
    assert cold[0] == cold[1]
    with pytest.raises(ValueError, match=r"^temperature: expected a number above 0, got 0\.$"):
        model.predict_words("The", temperature=0)


def test_a_run_folder_holds_the_vocabulary(drawn_reviews: Path, tmp_path: Path) -> None:
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(tmp_path, name="lm", version="a")
    model = LanguageModel(**TINY)
    Trainer(
        accelerator="cpu", logger=logger, max_steps=1, limit_val_batches=0, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, log_every_n_steps=1,
    ).fit(model, _data(drawn_reviews))  # fmt: skip
    assert Vocab.read(RunLayout(tmp_path / "lm" / "a").vocab) == model.vocab
