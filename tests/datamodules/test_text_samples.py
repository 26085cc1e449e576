"""Texts as samples of a classifier."""

import numpy as np
import pytest
import torch

from triptych.datamodules.text_samples import LengthSampler, NumberedText, TextSamples, pad
from triptych.text import PAD_ID


def test_a_batch_is_padded_on_the_right_and_keeps_the_sizes() -> None:
    texts = [NumberedText(np.array(ids, np.int32), f"row {i}", i % 2) for i, ids in enumerate([[2, 9], [2, 8, 7, 9]])]
    samples = TextSamples(texts)
    batch = pad([samples[0], samples[3, 1]])
    assert batch["tokens"].tolist() == [[2, 9, PAD_ID, PAD_ID], [2, 8, 7, 9]]
    assert batch["size"].tolist() == [2, 4]
    assert batch["category"].tolist() == [0, 1]
    assert batch["path"] == ["row 0", "row 1"]
    assert batch["tokens"].dtype == torch.int64


@pytest.mark.parametrize(("num_replicas", "length"), [(1, 1000), (2, 1001)])
def test_an_epoch_holds_each_text_once_in_batches_of_similar_lengths(num_replicas: int, length: int) -> None:
    lengths = np.random.default_rng(0).integers(10, 1000, length).tolist()
    parts = []
    for rank in range(num_replicas):
        sampler = LengthSampler(lengths, 8, shuffle=True, seed=1, num_replicas=num_replicas, rank=rank)
        sampler.set_epoch(2)
        parts.append([index for _, index in sampler])
    assert {*parts[0]} | {*parts[-1]} == {*range(length)}
    assert sum(map(len, parts)) <= length + num_replicas - 1
    spread = [np.ptp([lengths[i] for i in parts[0][start : start + 8]]) for start in range(0, len(parts[0]) - 8, 8)]
    assert np.median(spread) < 40, "of lengths up to 1000"
    firsts = [lengths[part] for part in parts[0][::8]]
    assert firsts != sorted(firsts, reverse=True), "the batches are shuffled"


def test_the_order_depends_on_seed_and_epoch_and_goes_on_where_it_was_left() -> None:
    lengths = list(range(5, 105))
    whole, resumed = (LengthSampler(lengths, 4, shuffle=True, seed=3) for _ in range(2))
    whole.set_epoch(1)
    keys = list(whole)
    resumed.resume_at = (1, 12)
    resumed.set_epoch(1)
    assert list(resumed) == keys[12:]
    whole.set_epoch(2)
    assert [index for _, index in whole] != [index for _, index in keys]


def test_texts_to_validate_are_sorted_the_longest_first() -> None:
    lengths = [3, 9, 4, 9, 1]
    assert [index for _, index in LengthSampler(lengths, 2, shuffle=False, seed=0)] == [1, 3, 2, 0, 4]
