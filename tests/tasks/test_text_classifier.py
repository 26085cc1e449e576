"""Classification of texts."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lightning import Trainer

from triptych import IMDBDataModule, LanguageModel, TextClassifier

TINY = {"embedding_size": 8, "hidden_size": 12, "num_layers": 2}


def _data(root: Path, **changed: object) -> IMDBDataModule:
    return IMDBDataModule(str(root), **{"batch_size": 8, **changed})


def test_the_encoder_of_a_language_model_is_taken_token_by_token(
    drawn_reviews: Path, make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    language, trainer = LanguageModel(**TINY), make_trainer(max_steps=2, limit_val_batches=0)
    trainer.fit(language, IMDBDataModule(str(drawn_reviews), mode="lm", batch_size=4, seq_len=20))
    path = tmp_path / "language.ckpt"
    trainer.save_checkpoint(path)
    data = _data(drawn_reviews, min_freq=1)  # with words that the language model does not know
    data.setup("fit")
    model = TextClassifier(**TINY, encoder_weights=str(path))
    model.resolve(data.metadata)
    model.configure_model()
    assert language.vocab is not None and model.vocab is not None
    assert len(model.vocab) > len(language.vocab)
    rows = language.network.encoder.embedding.weight
    known = {token: i for i, token in enumerate(language.vocab.itos)}
    for i, token in enumerate(model.vocab.itos):
        expected = rows[known[token]] if token in known else rows.mean(dim=0)
        assert torch.allclose(model.network.encoder.embedding.weight[i], expected), token
    own, theirs = model.network.encoder.state_dict(), language.network.encoder.state_dict()
    assert all(torch.equal(own[name], theirs[name]) for name in own if name.startswith("rnns."))
    with pytest.raises(
        ValueError, match=r"language\.ckpt: encoder_weights: expected .*hidden_size 16.*, got .*hidden_size 12"
    ):
        wrong = TextClassifier(**{**TINY, "hidden_size": 16}, encoder_weights=str(path))
        wrong.resolve(data.metadata)
        wrong.configure_model()


def test_scores_and_predictions_do_not_depend_on_the_batches(
    drawn_reviews: Path, make_trainer: Callable[..., Trainer]
) -> None:
    torch.manual_seed(0)
    model = TextClassifier(**TINY)
    make_trainer(max_epochs=1).fit(model, _data(drawn_reviews))
    losses = [
        make_trainer().validate(model, _data(drawn_reviews, batch_size=size), verbose=False)[0] for size in (1, 5, 12)
    ]
    for one in losses[1:]:
        assert one == pytest.approx(losses[0], abs=1e-6)
    data = _data(drawn_reviews)
    predicted = torch.cat(make_trainer().predict(model, data))
    texts = [record["text"] for record in data._texts["val"]]
    for row, by_name in zip(predicted, model.predict(texts), strict=True):
        assert [by_name[name] for name in model.categories] == pytest.approx(row.tolist(), abs=1e-6)
        assert list(by_name.values()) == sorted(by_name.values(), reverse=True)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ([1], r"^batch: expected tokens and category as a mapping, or a pair \(tokens, category\), got list\.$"),
        (torch.zeros(2, 3), r"^tokens: expected ids, int64 with 2 dimensions, got float32 \(2, 3\)\.$"),
        (torch.full((2, 3), 99), r"^tokens: expected ids from 0 to 19, got 99\.$"),
        ((torch.full((2, 3), 9), torch.tensor([0, 2])), r"^category: expected ids from 0 to 1, got 2\.$"),
    ],
)
def test_a_batch_of_another_form_is_refused(batch: object, words: str) -> None:
    model = TextClassifier(2, vocab_size=20, **TINY)
    with pytest.raises(ValueError, match=words):
        model.check(batch)
