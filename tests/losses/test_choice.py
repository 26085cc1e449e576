"""A loss is chosen by name, with arguments, as a weighted sum, or as a function."""

import numpy as np
import pytest
import torch
import yaml
from torch import nn
from torch.nn import functional as F

from triptych.losses import MASK_LOSSES, TAG_LOSSES, ChosenLoss, LossTerms, SplitLoss

LOGITS = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
MASK = torch.randint(4, (3, 5, 6), generator=torch.Generator().manual_seed(1))


def chosen(text: str) -> ChosenLoss:
    return ChosenLoss(yaml.safe_load(text), MASK_LOSSES)


def mean(name: str, **arguments: float) -> float:
    return float(MASK_LOSSES[name](LOGITS, MASK, **arguments).mean())


@pytest.mark.parametrize("name", MASK_LOSSES)
def test_a_name_alone_is_that_loss_with_its_defaults(name) -> None:
    assert chosen(name)(LOGITS, MASK) == MASK_LOSSES[name](LOGITS, MASK)


def test_a_mapping_has_arguments() -> None:
    assert float(chosen("{name: focal, gamma: 3}")(LOGITS, MASK).mean()) == mean("focal", gamma=3)


def test_a_list_is_a_weighted_sum_of_means() -> None:
    sum_of_two = chosen("[{name: cross_entropy, label_smoothing: 0.1}, {name: dice, weight: 0.5}]")
    expected = mean("cross_entropy", label_smoothing=0.1) + 0.5 * mean("dice")
    assert float(sum_of_two(LOGITS, MASK).mean()) == pytest.approx(expected, rel=1e-12)


def test_the_weighted_sum_over_a_split_is_that_of_the_whole_though_its_parts_count_other_elements() -> None:
    """One image has few labelled pixels, so pixels and images weigh differently."""
    loss, mask = chosen("[cross_entropy, {name: lovasz, weight: 2}]"), MASK.clone()
    mask[0, 1:] = 255
    split = SplitLoss(loss.num_terms)
    for part in (slice(0, 1), slice(1, 3)):
        split.update(loss(LOGITS[part], mask[part], ignore_index=255))
    assert float(split.compute()) == pytest.approx(float(loss(LOGITS, mask, ignore_index=255).mean()), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("dice", "dice"),
        ("{name: dice}", "dice"),
        ("{name: dice, weight: 1}", "dice"),
        ("{name: focal, gamma: 3}", {"name": "focal", "gamma": 3.0}),
        ("[cross_entropy, {name: dice, weight: 0.5}]", ["cross_entropy", {"name": "dice", "weight": 0.5}]),
    ],
)
def test_it_is_plain_values_again(text, plain) -> None:
    assert chosen(text).plain == plain
    assert ChosenLoss(plain, MASK_LOSSES).plain == plain


def test_numbers_of_numpy_become_plain_ones_and_a_tuple_a_list() -> None:
    (plain,) = ChosenLoss(({"name": "focal", "gamma": np.float32(3)},), MASK_LOSSES).plain
    assert plain == {"name": "focal", "gamma": 3.0}
    assert type(plain["gamma"]) is float


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dize", r"expected one of cross_entropy, focal, dice, lovasz, tversky, got 'dize'\."),
        ("3", r"expected one of cross_entropy, .*, got 3\."),
        ("[dice, 3]", r"expected one of cross_entropy, .*, got 3\."),
        ("[]", r"expected one of cross_entropy, .*, tversky, or several, got none\."),
        ("{gamma: 2}", r"expected one of cross_entropy, .*, got \{'gamma': 2\}\."),
        ("{name: [dice]}", r"expected one of cross_entropy, .*, got \{'name': \['dice'\]\}\."),
        ("{name: focal, gama: 2}", r"expected weight or gamma as argument of focal, got gama\."),
        ("{name: focal, ignore_index: 2}", r"expected weight or gamma as argument of focal, got ignore_index\."),
        ("{name: focal, gamma: -1}", r"gamma of focal: expected a number in \[0, inf\), got -1\."),
        ("{name: focal, gamma: .nan}", r"gamma of focal: expected a number in \[0, inf\), got nan\."),
        ("{name: focal, gamma: high}", r"gamma of focal: expected a number in \[0, inf\), got 'high'\."),
        ("{name: dice, weight: true}", r"weight of dice: expected a number in \[0, inf\), got True\."),
        (
            "{name: cross_entropy, label_smoothing: 1}",
            r"label_smoothing of cross_entropy: expected a number in \[0, 1\), got 1\.",
        ),
    ],
)
def test_what_is_unknown_or_out_of_range_is_one_line_with_what_is_known(text, words) -> None:
    with pytest.raises(ValueError, match=f"^loss: {words}$"):
        chosen(text)


def test_the_weight_of_positives_ends_at_one_but_that_of_false_positives_does_not() -> None:
    with pytest.raises(ValueError, match=r"^loss: alpha of focal: expected a number in \[0, 1\), got 2\.$"):
        ChosenLoss({"name": "focal", "alpha": 2}, TAG_LOSSES)
    assert chosen("{name: tversky, alpha: 2}").parts[0].arguments == {"alpha": 2.0}


def test_a_function_gets_float32_and_has_no_plain_value() -> None:
    loss = ChosenLoss(F.cross_entropy, MASK_LOSSES)
    half = LOGITS.half()
    assert loss(half, MASK, ignore_index=2) == F.cross_entropy(half.float(), MASK)
    assert loss.plain is None
    terms = LossTerms(torch.tensor(6.0), torch.tensor(3.0))
    assert ChosenLoss(lambda preds, target: terms, MASK_LOSSES)(LOGITS, MASK) is terms


def test_a_module_as_loss_follows_the_predictions_to_their_device() -> None:
    criterion = nn.CrossEntropyLoss(torch.ones(4))
    ChosenLoss(criterion, MASK_LOSSES)(LOGITS.to("meta"), MASK.to("meta"))
    assert criterion.weight.device.type == "meta"


def test_weights_beside_a_function_are_refused() -> None:
    loss = ChosenLoss(F.cross_entropy, MASK_LOSSES)
    loss.refuse_weights("class_weights", None)
    with pytest.raises(ValueError, match=r"^class_weights: expected null beside a function as loss, .* got \[1, 2\];"):
        loss.refuse_weights("class_weights", [1, 2])


def test_in_place_of_a_function_that_no_checkpoint_holds_one_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"^loss: expected cross_entropy, .*, or a function, got None, .* pass"):
        ChosenLoss(None, MASK_LOSSES)(LOGITS, MASK)
