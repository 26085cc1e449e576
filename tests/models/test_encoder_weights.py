"""A classifier's encoder gets the language model's weights, with vectors by token."""

import pytest
import torch

from triptych.models import LanguageNetwork, TextClassifierNetwork
from triptych.models.encoder_weights import take_encoder

OLD = ["xxunk", "xxpad", "xxbos", "good", "bad"]
NEW = ["xxunk", "xxpad", "xxbos", "bad", "film", "good", "dull"]


def language(hidden_size: int = 10, num_layers: int = 2) -> LanguageNetwork:
    torch.manual_seed(0)
    return LanguageNetwork(len(OLD), 6, hidden_size, num_layers)


def classifier() -> TextClassifierNetwork:
    return TextClassifierNetwork(2, len(NEW), 6, 10, 2)


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "network."])
def test_vectors_go_by_token_and_a_new_token_gets_their_mean(prefix: str) -> None:
    ours, theirs = classifier(), language()
    weights = {prefix + name: tensor for name, tensor in theirs.state_dict().items()}
    take_encoder(ours.encoder, weights, OLD, NEW)
    old, new = theirs.encoder.embedding.weight, ours.encoder.embedding.weight
    for row, token in enumerate(NEW):
        expected = old[OLD.index(token)] if token in OLD else old.mean(dim=0)
        torch.testing.assert_close(new[row], expected)
    known = [token for token in OLD if token in NEW]
    here, there = ([[vocab.index(token) for token in known]] for vocab in (NEW, OLD))
    ours.eval()
    theirs.eval()
    raw, _ = ours.encoder(torch.tensor(here))
    torch.testing.assert_close(raw, theirs(torch.tensor(there)).raw)


@pytest.mark.parametrize(("hidden_size", "num_layers"), [(12, 2), (10, 3)])
def test_an_encoder_of_other_sizes_is_refused_with_both(hidden_size: int, num_layers: int) -> None:
    with pytest.raises(ValueError, match="encoder_weights") as caught:
        take_encoder(classifier().encoder, language(hidden_size, num_layers).state_dict(), OLD, NEW)
    assert str(caught.value) == (
        "encoder_weights: expected embedding_size 6, hidden_size 10, num_layers 2, "
        f"got embedding_size 6, hidden_size {hidden_size}, num_layers {num_layers}; "
        "give the model these sizes."
    )


def test_weights_of_something_else_are_refused() -> None:
    encoder, weights = classifier().encoder, language().state_dict()
    with pytest.raises(ValueError, match="expected those of a language model, got none of an AWD-LSTM"):
        take_encoder(encoder, torch.nn.Linear(2, 2).state_dict(), OLD, NEW)
    del weights["encoder.rnns.1.bias_hh_l0"]
    with pytest.raises(ValueError, match=r"got others; missing: rnns\.1\.bias_hh_l0 \(1 tensor\)\.$"):
        take_encoder(encoder, weights, OLD, NEW)


@pytest.mark.parametrize(("old", "new"), [(OLD[:-1], NEW), (OLD, NEW[:-1])])
def test_a_vocabulary_of_another_model_is_refused(old: list[str], new: list[str]) -> None:
    of, rows, given = ("its encoder_weights", 5, 4) if old != OLD else ("the model", 7, 6)
    with pytest.raises(ValueError, match="vocab") as caught:
        take_encoder(classifier().encoder, language().state_dict(), old, new)
    assert str(caught.value) == f"vocab: expected the {rows} tokens of {of}, got {given}."
