"""Networks of text are written as ONNX for any number and length of texts, and give what torch gives."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from triptych.models import LanguageNetwork, TextClassifierNetwork

onnxruntime = pytest.importorskip("onnxruntime")


class LanguageLogits(nn.Module):
    """The logits of a language network alone."""

    def __init__(self, network: LanguageNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        return self.network(tokens).logits


@pytest.mark.parametrize("kind", ["language", "classifier"])
@torch.no_grad()
def test_a_graph_takes_any_number_and_length_of_texts(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    classifier = TextClassifierNetwork(3, 40, 6, 10, 2, seq_len=5, max_len=12)
    network = (LanguageLogits(LanguageNetwork(40, 6, 10, 2)) if kind == "language" else classifier).eval()
    sides = {0: torch.export.Dim("N"), 1: torch.export.Dim("T")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and onnxscript, about their own code
        example = torch.full((3, 9), 2)
        program = torch.onnx.export(network, (example,), dynamo=True, dynamic_shapes=(sides,), verbose=False)
    program.save(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    for number, length in [(1, 1), (3, 9), (1, 30), (5, 100)]:
        tokens = torch.randint(2, 40, (number, length))
        tokens[0, length // 2 + 1 :] = 1
        [logits] = session.run(None, {session.get_inputs()[0].name: tokens.numpy()})
        torch.testing.assert_close(torch.from_numpy(logits), network(tokens), rtol=0, atol=1e-6)
