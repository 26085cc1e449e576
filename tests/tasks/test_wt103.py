"""The course's pretrained language model, from a server on this machine that has an archive of its layout."""

import io
import pickle
import re
import socket
import tarfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import md5
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torch import Tensor

from triptych import LanguageModel, TextClassifier
from triptych.datasets import download
from triptych.datasets.download import HEAD_BYTES, Archive
from triptych.errors import BadSampleError
from triptych.tasks import wt103
from triptych.text import Vocab

TOKENS = ["xxunk", "xxpad", "xxbos", "xxeos", "xxfld", "xxmaj", "xxup", "xxrep", "xxwrep", "the", "film", "xxfake"]
OURS = Vocab(("xxunk", "xxpad", "xxbos", "xxrep", "xxwrep", "xxup", "xxmaj", "film", "dull", "the"))
SIZES = {"embedding_size": 6, "hidden_size": 10, "num_layers": 2}
EXPECTED = "expected a pickled list of tokens, got"
Serve = Callable[..., Path]


class Forbidden:
    """Unpickled freely, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def weights() -> dict[str, Tensor]:
    """A language model as fastai 1 saves it: in half precision, with copies of embedding and state's weights."""
    generator = torch.Generator().manual_seed(0)
    draw = partial(torch.randn, generator=generator)
    embedding = draw(len(TOKENS), 6).half()
    state = OrderedDict({"0.encoder.weight": embedding, "0.encoder_dp.emb.weight": embedding})
    for layer, (before, after) in enumerate([(6, 10), (10, 6)]):
        state[f"0.rnns.{layer}.weight_hh_l0_raw"] = draw(4 * after, after).half()
        state[f"0.rnns.{layer}.module.weight_ih_l0"] = draw(4 * after, before).half()
        state[f"0.rnns.{layer}.module.weight_hh_l0"] = draw(4 * after, after).half()  # as the last step dropped it
        state[f"0.rnns.{layer}.module.bias_ih_l0"] = draw(4 * after).half()
        state[f"0.rnns.{layer}.module.bias_hh_l0"] = draw(4 * after).half()
    return OrderedDict({**state, "1.decoder.weight": embedding, "1.decoder.bias": draw(len(TOKENS)).half()})


def archive(vocab: bytes, state: dict[str, Tensor]) -> bytes:
    saved, packed = io.BytesIO(), io.BytesIO()
    torch.save(state, saved, _use_new_zipfile_serialization=False)
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in {"lstm_fwd.pth": saved.getvalue(), "itos_wt103.pkl": vocab}.items():
            member = tarfile.TarInfo(f"wt103-fwd/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch's cache, where nothing is yet."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "BACKOFF_S", ())
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serves an archive with that pickled vocabulary and those weights; returns its path."""
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    served = tmp_path / "served"
    served.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

        def start(vocab: bytes | None = None, state: dict[str, Tensor] | None = None) -> Path:
            content = archive(pickle.dumps(TOKENS) if vocab is None else vocab, state or weights())
            url, head = f"http://127.0.0.1:{server.server_port}/wt103-fwd.tgz", md5(content[:HEAD_BYTES]).hexdigest()
            monkeypatch.setattr(wt103, "ARCHIVE", Archive(url, len(content), head))
            path = served / "wt103-fwd.tgz"
            path.write_bytes(content)
            return path

        yield start
        server.shutdown()


def built(task: type[TextClassifier] | type[LanguageModel] = TextClassifier, **sizes: int) -> torch.nn.Module:
    model = task(**{**SIZES, **sizes}, encoder_weights="wt103")
    model.resolve({"vocab": OURS, "vocab_size": len(OURS), "num_categories": 2})
    model.configure_model()
    return model.network.encoder


@pytest.mark.parametrize("task", [TextClassifier, LanguageModel])
def test_its_encoder_is_taken_token_by_token_and_downloaded_once(task, serve: Serve) -> None:
    served, given = serve(), weights()
    first = built(task).state_dict()
    served.unlink()
    second = built(task).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    rows = given["0.encoder.weight"].float()
    for row, token in zip(first["embedding.weight"], OURS.itos, strict=True):
        torch.testing.assert_close(row, rows[TOKENS.index(token)] if token in TOKENS else rows.mean(dim=0))
    for layer in range(2):
        raw = {"weight_hh_l0": given[f"0.rnns.{layer}.weight_hh_l0_raw"]}
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            expected = raw.get(name, given[f"0.rnns.{layer}.module.{name}"])
            assert torch.equal(first[f"rnns.{layer}.{name}"], expected.float())


def test_without_a_network_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/wt103-fwd.tgz"
    monkeypatch.setattr(wt103, "ARCHIVE", Archive(url, 1, ""))
    with pytest.raises(ConnectionError, match="wt103") as caught:
        built()
    assert str(caught.value) == (
        f"encoder_weights: 'wt103' could not be fetched from {url}; check the network, or unpack that archive by hand "
        f"into {cache / 'wt103-fwd'}, give the path of a language model's run, or leave it null for random weights."
    )
    assert not (cache / "wt103-fwd").exists()


def test_a_vocabulary_that_names_code_is_refused_and_nothing_runs(serve: Serve, cache: Path, tmp_path: Path) -> None:
    serve(vocab=pickle.dumps([*TOKENS, Forbidden(tmp_path / "ran")]))
    path = cache / "wt103-fwd" / "itos_wt103.pkl"
    with pytest.raises(BadSampleError, match="itos_wt103") as caught:
        built()
    assert str(caught.value) == f"{path}: {EXPECTED} other content; delete the folder {path.parent} and start again."
    assert "pathlib.Path" in str(caught.value.__cause__)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("vocab", [b"", b"no pickle", pickle.dumps(TOKENS)[:-9], *map(pickle.dumps, ("the", [1], {}))])
def test_a_vocabulary_that_is_no_list_of_tokens_is_refused(vocab: bytes, serve: Serve) -> None:
    serve(vocab=vocab)
    with pytest.raises(BadSampleError, match=rf"itos_wt103\.pkl: {EXPECTED} other content; delete the folder"):
        built()


def test_weights_of_something_else_or_none_at_all_are_refused(serve: Serve, cache: Path) -> None:
    serve(state={"conv1.weight": torch.zeros(3)})
    path = cache / "wt103-fwd" / "lstm_fwd.pth"
    with pytest.raises(
        BadSampleError, match=f"^{re.escape(str(path))}: expected the weights of fastai's AWD-LSTM, got"
    ):
        built()
    path.unlink()
    with pytest.raises(BadSampleError, match=r"got no such file; delete the folder"):
        built()


def test_a_model_of_other_sizes_is_refused_with_both(serve: Serve) -> None:
    serve()
    words = "embedding_size 6, hidden_size 12, num_layers 2, got embedding_size 6, hidden_size 10, num_layers 2; give"
    with pytest.raises(ValueError, match=rf"lstm_fwd\.pth: encoder_weights: expected {words}"):
        built(hidden_size=12)


def test_a_vocabulary_of_another_length_than_the_weights_is_refused(serve: Serve) -> None:
    serve(vocab=pickle.dumps(TOKENS[:-1]))
    with pytest.raises(ValueError, match=r"vocab: expected the 12 tokens of its encoder_weights, got 11\."):
        built()
