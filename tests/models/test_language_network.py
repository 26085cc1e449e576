"""A language network predicts the next token by a decoder that is the embedding, and goes on where it was."""

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.models import LanguageNetwork


def network_of(dropout: float = 1.0) -> LanguageNetwork:
    torch.manual_seed(0)
    return LanguageNetwork(30, 6, 10, 3, dropout)


def tokens_of(number: int, length: int) -> Tensor:
    return torch.randint(30, (number, length), generator=torch.Generator().manual_seed(length))


def test_the_decoder_is_the_embedding_with_a_bias() -> None:
    network = network_of()
    torch.nn.init.normal_(network.bias)
    logits, _, raw, dropped = network(tokens_of(4, 9))
    torch.testing.assert_close(logits, dropped @ network.encoder.embedding.weight.T + network.bias)
    assert logits.shape == (4, 9, 30)
    assert not torch.equal(raw, dropped)
    assert torch.equal(dropped == 0, (dropped == 0)[:, :1].expand_as(dropped))
    assert [name for name in network.state_dict() if not name.startswith("encoder.")] == ["bias"]


@torch.no_grad()
def test_it_goes_on_from_its_state() -> None:
    network = network_of().eval()
    whole = network(tokens_of(4, 9))
    first = network(tokens_of(4, 9)[:, :5])
    second = network(tokens_of(4, 9)[:, 5:], first.state)
    torch.testing.assert_close(torch.cat([first.logits, second.logits], dim=1), whole.logits)
    assert torch.equal(whole.raw, whole.dropped)


def test_layer_groups_are_the_courses() -> None:
    network = network_of()
    groups = network.layer_groups()
    assert list(groups) == ["rnn_0", "rnn_1", "rnn_2", "embedding_decoder"]
    ids = [id(parameter) for parameters in groups.values() for parameter in parameters]
    assert sorted(ids) == sorted(id(parameter) for parameter in network.parameters())
    network.freeze_to(-1)
    output = network(tokens_of(4, 9))
    F.cross_entropy(output.logits.flatten(0, 1), tokens_of(4, 9).flatten()).backward()
    assert {name for name, p in network.named_parameters() if p.grad is not None} == {
        "bias",
        "encoder.embedding.weight",
    }


def test_copies_and_loaded_weights_stay_tied() -> None:
    other = network_of()
    other.load_state_dict(copy.deepcopy(network_of().state_dict()))
    for network in (copy.deepcopy(network_of()), other):
        before = network.eval()(tokens_of(1, 3)).logits
        with torch.no_grad():
            network.encoder.embedding.weight[7] += 1
        change = network(tokens_of(1, 3)).logits - before
        assert change[..., 7].abs().min() > 0


@pytest.mark.parametrize("dropout", [4.1, -1.0])
def test_a_factor_out_of_range_is_reported(dropout: float) -> None:
    with pytest.raises(ValueError, match="dropout: expected a number from 0 to 4") as caught:
        network_of(dropout)
    assert str(caught.value).endswith(f"got {dropout:g}.")
