"""Texts as streams of a language model."""

import numpy as np
import pytest

from triptych.datamodules.streams import StreamSamples
from triptych.metrics.token_scores import NO_TOKEN


def _texts(seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 30, random.integers(1, 8))
    ids = iter(range(7, 7 + sizes.sum()))  # each token has an id of its own
    return [np.array([next(ids) for _ in range(size)], np.int32) for size in sizes]


@pytest.mark.parametrize("seed", range(30))
def test_each_token_but_the_first_is_the_next_of_one_sample_and_follows_its_predecessor(seed: int) -> None:
    texts, random = _texts(seed), np.random.default_rng(seed)
    samples = StreamSamples(texts, int(random.integers(1, 6)), int(random.integers(1, 9)), seed, shuffle=True)
    joined = samples._text(epoch=3)
    before = dict(zip(joined[1:].tolist(), joined[:-1].tolist(), strict=True))
    pairs = [
        (token, following)
        for index in range(len(samples))
        for sample in [samples[3, index]]
        for token, following in zip(sample["tokens"].tolist(), sample["next"].tolist(), strict=True)
        if following != NO_TOKEN
    ]
    assert sorted(pairs) == sorted((token, following) for following, token in before.items())
    assert sorted(joined.tolist()) == sorted(np.concatenate(texts).tolist())


def test_a_batch_continues_the_one_before_stream_by_stream() -> None:
    samples = StreamSamples([np.arange(100, dtype=np.int32)], num_streams=3, seq_len=5, seed=0, shuffle=False)
    chunks = [[samples[chunk * 3 + stream]["tokens"].tolist() for stream in range(3)] for chunk in range(7)]
    for stream in range(3):
        joined = [token for chunk in chunks for token in chunk[stream]]
        assert joined == list(range(33 * stream, 33 * stream + 33))
    assert {len(one) for one in chunks[-1]} == {3}, "the last chunk is shorter, for all streams alike"


def test_the_order_of_the_texts_depends_on_seed_and_epoch_alone() -> None:
    texts = _texts(5)
    first, second = (StreamSamples(texts, 2, 4, seed=1, shuffle=True) for _ in range(2))
    second[7, 0]  # an epoch that was read before changes nothing
    assert first[4, 1]["tokens"].tolist() == second[4, 1]["tokens"].tolist()
    assert first._text(0).tolist() != first._text(1).tolist()
    plain = StreamSamples(texts, 2, 4, seed=1, shuffle=False)
    assert plain._text(0).tolist() == plain._text(1).tolist() == np.concatenate(texts).tolist()
