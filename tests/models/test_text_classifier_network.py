"""A text gets the same logits and gradients alone and in any batch, whatever its length."""

import pytest
import torch
from torch import Tensor

from triptych.models import TextClassifierNetwork
from triptych.models.text_classifier_network import PAD_ID

SEQ_LEN, MAX_LEN = 5, 12


def network_of(dropout: float = 0.0, max_len: int = MAX_LEN) -> TextClassifierNetwork:
    torch.manual_seed(0)
    return TextClassifierNetwork(3, 40, 6, 10, 2, dropout, seq_len=SEQ_LEN, max_len=max_len).double()


def texts_of(*lengths: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(2, 40, (length,), generator=generator) for length in lengths]


def padded(texts: list[Tensor], length: int = 0, noise: bool = False) -> Tensor:
    """A batch of texts; with `noise` any ids stand after the first padding of each."""
    width = max(length, *map(len, texts))
    batch = torch.full((len(texts), width), PAD_ID)
    for row, text in zip(batch, texts, strict=True):
        row[: len(text)] = text
        if noise:
            row[len(text) + 1 :] = torch.randint(40, (max(width - len(text) - 1, 0),))
    return batch


def slow_logits(network: TextClassifierNetwork, text: Tensor) -> Tensor:
    """The definition: all activations of one text, without chunks, of which the last are pooled."""
    pooled = network.encoder(text[None])[0][0, -network.max_len :]
    return network.head(torch.cat([pooled[-1], pooled.amax(dim=0), pooled.mean(dim=0)])[None])[0]


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("length", [0, 60])
def test_padding_changes_no_logit(length: int, noise: bool) -> None:
    network = network_of().eval()
    texts = texts_of(1, 4, 5, 6, 12, 13, 17, 31, 44)
    logits = network(padded(texts, length, noise))
    for text, row in zip(texts, logits, strict=True):
        torch.testing.assert_close(row, network(text[None])[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(row, slow_logits(network, text), rtol=0, atol=1e-12)


def test_padding_changes_no_gradient() -> None:
    network = network_of().eval()
    texts = texts_of(1, 4, 13, 31, 44)
    network(padded(texts, 60, noise=True)).square().sum().backward()
    together = [parameter.grad for parameter in network.parameters()]
    network.zero_grad()
    for text in texts:
        network(text[None]).square().sum().backward()
    for gradient, parameter in zip(together, network.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=0, atol=1e-12)


def test_gradients_stop_at_the_chunk_before() -> None:
    network, text = network_of().eval(), texts_of(2 * SEQ_LEN)[0]
    network(text[None]).sum().backward()
    state, activations = None, []
    reference = network_of().eval()
    for chunk in text[None].split(SEQ_LEN, dim=1):
        output, state = reference.encoder(chunk, state)
        activations.append(output)
    pooled = torch.cat(activations, dim=1)[0]
    reference.head(torch.cat([pooled[-1], pooled.amax(dim=0), pooled.mean(dim=0)])[None]).sum().backward()
    for parameter, expected in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad, rtol=0, atol=1e-12)


def test_a_long_text_keeps_no_more_for_its_gradient_than_its_last_tokens() -> None:
    def kept(*lengths: int) -> int:
        """Elements that a training pass keeps for the backward pass."""
        sizes: list[int] = []
        network, batch = network_of(dropout=1.0), padded(texts_of(*lengths))
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            network(batch)
        return sum(sizes)

    assert kept(1000 * SEQ_LEN) == kept(4 * SEQ_LEN)
    # two texts: the last tokens of each, and not what lies between
    assert kept(1000 * SEQ_LEN, 4 * SEQ_LEN) < 2.1 * kept(4 * SEQ_LEN, 4 * SEQ_LEN)


def test_a_text_of_a_hundred_thousand_tokens_trains() -> None:
    torch.manual_seed(0)
    network = TextClassifierNetwork(2, 40, 4, 4, 1, seq_len=1000, max_len=1000)
    network(padded(texts_of(100_000, 3))).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("batch", [[[2]], [[2, 1, 1, 1, 1, 1, 1]], [[1, 1]], [[2], [3]]])
def test_texts_of_one_token_train(batch: list[list[int]]) -> None:
    network = network_of(dropout=1.0)
    logits = network(torch.tensor(batch))
    assert logits.shape == (len(batch), 3)
    logits.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


def test_layer_groups_are_the_courses_and_freezing_leaves_the_encoder_as_it_is() -> None:
    network = network_of(dropout=1.0)
    groups = network.layer_groups()
    assert list(groups) == ["embedding", "rnn_0", "rnn_1", "head"]
    ids = [id(parameter) for parameters in groups.values() for parameter in parameters]
    assert sorted(ids) == sorted(id(parameter) for parameter in network.parameters())
    network.freeze_to(-2)
    network(padded(texts_of(4, 9))).sum().backward()
    trained = {name.rsplit(".", 1)[0] for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert trained == {"encoder.rnns.1", "head.0", "head.2", "head.4", "head.6"}


def test_pooling_in_bfloat16_sums_in_float32() -> None:
    network = network_of(max_len=4000).float().eval()
    text = texts_of(3000)[0][None]
    seen: list[Tensor] = []
    network.head.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    with torch.no_grad():
        network(text)
        with torch.autocast("cpu", torch.bfloat16):
            network(text)
    assert seen[1].dtype == torch.float32
    torch.testing.assert_close(seen[1], seen[0], rtol=0, atol=0.01)


@pytest.mark.parametrize("argument", ["num_layers", "seq_len", "max_len"])
def test_a_number_below_one_is_reported(argument: str) -> None:
    with pytest.raises(ValueError, match=rf"^{argument}: expected at least 1, got 0\.$"):
        TextClassifierNetwork(2, 40, **{argument: 0})
