"""The AWD-LSTM is a plain stack of LSTMs but for its dropouts, which drop what they say and nothing else."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from triptych.models.awd_lstm import AWDLSTM, Dropouts
from triptych.models.rnn_dropout import DroppedEmbedding, VariationalDropout, WeightDropLSTM

NONE = Dropouts(0, 0, 0, 0, 0)
SOME = Dropouts(0.1, 0.2, 0.3, 0.4, 0.5)


def encoder_of(dropouts: Dropouts = NONE, num_layers: int = 3) -> AWDLSTM:
    torch.manual_seed(0)
    return AWDLSTM(30, 6, 10, num_layers, dropouts).double()


def tokens_of(number: int, length: int) -> Tensor:
    return torch.randint(30, (number, length), generator=torch.Generator().manual_seed(number + length))


def plain_stack(encoder: AWDLSTM) -> tuple[nn.Embedding, list[nn.LSTM]]:
    """torch's own layers with the weights of an encoder."""
    embedding = nn.Embedding.from_pretrained(encoder.embedding.weight.detach(), freeze=False)
    rnns = [nn.LSTM(rnn.weight_ih_l0.shape[1], rnn.hidden_size, batch_first=True).double() for rnn in encoder.rnns]
    for rnn, ours in zip(rnns, encoder.rnns, strict=True):
        rnn.load_state_dict(ours.state_dict())
    return embedding, rnns


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_without_dropout_it_is_a_plain_stack_in_values_and_gradients(num_layers: int, training: bool) -> None:
    encoder = encoder_of(NONE if training else SOME, num_layers).train(training)
    embedding, rnns = plain_stack(encoder)
    output, _ = encoder(tokens_of(4, 9))
    expected = embedding(tokens_of(4, 9))
    for rnn in rnns:
        expected, _ = rnn(expected)
    assert output.shape == (4, 9, 6)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
    output.square().sum().backward()
    expected.square().sum().backward()
    plain = [embedding.weight, *(parameter for rnn in rnns for parameter in rnn.parameters())]
    for parameter, reference in zip(encoder.parameters(), plain, strict=True):
        torch.testing.assert_close(parameter.grad, reference.grad, rtol=0, atol=1e-10)


@torch.no_grad()
def test_a_text_read_in_parts_is_the_same_and_another_number_of_texts_starts_anew() -> None:
    encoder = encoder_of(SOME).eval()
    whole, _ = encoder(tokens_of(4, 9))
    first, state = encoder(tokens_of(4, 9)[:, :5])
    second, _ = encoder(tokens_of(4, 9)[:, 5:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=0, atol=1e-12)
    assert [tuple(h.shape) for h, _ in state] == [(1, 4, 10), (1, 4, 10), (1, 4, 6)]
    anew, _ = encoder(tokens_of(2, 9), state)
    assert torch.equal(anew, encoder(tokens_of(2, 9))[0])


def test_no_gradient_goes_through_the_state() -> None:
    _, state = encoder_of(SOME)(tokens_of(4, 9))
    assert not any(part.requires_grad for layer in state for part in layer)


def test_dropped_words_are_zero_wherever_they_stand_and_the_others_are_scaled() -> None:
    torch.manual_seed(0)
    embedding = DroppedEmbedding(2000, 3, 0.3)
    tokens = torch.arange(2000).repeat(2, 2)
    factors = embedding(tokens) / nn.functional.embedding(tokens, embedding.weight)
    word = factors[0, :2000, 0]
    torch.testing.assert_close(factors, word.repeat(2)[None, :, None].expand(2, 4000, 3))
    dropped = word == 0
    assert dropped.float().mean().item() == pytest.approx(0.3, abs=0.04)
    torch.testing.assert_close(word[~dropped], torch.full_like(word[~dropped], 1 / 0.7))
    assert torch.equal(embedding.eval()(tokens), nn.functional.embedding(tokens, embedding.weight))


def test_one_mask_serves_all_time_steps_and_differs_from_text_to_text() -> None:
    torch.manual_seed(0)
    dropout = VariationalDropout(0.25)
    masks = dropout(torch.ones(20, 7, 500))
    assert torch.equal(masks, masks[:, :1].expand_as(masks))
    assert (masks == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert sorted(masks.unique().tolist()) == pytest.approx([0, 1 / 0.75])
    assert not torch.equal(masks[0], masks[1])
    assert torch.equal(dropout.eval()(masks), masks)


def test_dropped_weights_are_those_of_the_state_and_the_raw_weights_get_a_gradient_and_stay() -> None:
    torch.manual_seed(0)
    rnn = WeightDropLSTM(5, 50, 0.4)
    raw = copy.deepcopy(rnn.state_dict())
    one_step = torch.ones(2, 1, 5)
    # without a state before it a step does not use the weights of the state
    assert torch.equal(rnn(one_step)[0], rnn(one_step)[0])
    assert not torch.equal(rnn(torch.ones(2, 2, 5))[0], rnn(torch.ones(2, 2, 5))[0])
    rnn(torch.randn(8, 3, 5))[0].sum().backward()
    gradient = rnn.weight_hh_l0.grad
    assert gradient is not None
    assert (gradient == 0).float().mean().item() == pytest.approx(0.4, abs=0.03)
    assert all(torch.equal(value, raw[name]) for name, value in rnn.state_dict().items())
    assert list(raw) == list(nn.LSTM(5, 50).state_dict())


def test_it_is_copied_pickled_and_saved_after_training_and_in_evaluation_two_passes_agree() -> None:
    encoder = encoder_of(SOME)
    encoder(tokens_of(4, 9))[0].sum().backward()
    loaded = encoder_of()
    loaded.load_state_dict(encoder.state_dict())
    expected, _ = encoder.eval()(tokens_of(4, 9))
    for other in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder)), loaded.eval(), encoder):
        assert torch.equal(other(tokens_of(4, 9))[0], expected)


def test_mixed_precision_trains_float32_weights() -> None:
    encoder = encoder_of(SOME).float()
    with torch.autocast("cpu", torch.bfloat16):
        _, state = encoder(tokens_of(4, 9))
        output, _ = encoder(tokens_of(4, 9), state)
    output.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in encoder.parameters())


def test_a_factor_multiplies_each_dropout_and_one_that_is_too_large_is_reported() -> None:
    assert SOME.times(0.5) == pytest.approx((0.05, 0.1, 0.15, 0.2, 0.25))
    with pytest.raises(ValueError, match="dropout") as caught:
        SOME.times(2.5)
    assert str(caught.value) == (
        "dropout: expected a number from 0 to 2, by which the largest probability, 0.5, is at most 1; got 2.5."
    )
