"""A model starts from a checkpoint: with other classes, or of another task with its encoder alone."""

import re

import pytest
import torch
from small_fit import TINY

from triptych import MultiLabelClassifier, PointRegressor, UNetSegmenter

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")
NAME = TINY["encoder"]


@pytest.fixture
def streets_checkpoint(save_run) -> tuple[UNetSegmenter, str]:
    """A segmenter of five classes with weights and statistics of its own, and its checkpoint."""
    torch.manual_seed(1)
    model = UNetSegmenter(5, 4, list("abcde"), class_weights=[1.0] * 5, max_lr=0.5, **TINY)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(1)
    return model, str(save_run(model) / "checkpoints" / "best.ckpt")


def assert_same(loaded, saved) -> None:
    assert loaded.keys() == saved.keys()
    assert [key for key in saved if not torch.equal(loaded[key], saved[key])] == []


@pytest.mark.parametrize("make", [PointRegressor, lambda **model: MultiLabelClassifier(3, **model)])
def test_another_task_takes_the_encoder_and_its_pixel_statistics(streets_checkpoint, make) -> None:
    streets, path = streets_checkpoint
    network = make(encoder=NAME, encoder_weights=path).network
    assert_same(network.encoder.state_dict(), streets.network.encoder.state_dict())
    for loaded, saved in ((network.mean, streets.network.mean), (network.std, streets.network.std)):
        torch.testing.assert_close(loaded, saved)


def test_an_encoder_of_four_channels_keeps_its_first_convolution(save_run) -> None:
    tiles = MultiLabelClassifier(3, in_channels=4, **TINY)
    path = save_run(tiles) / "checkpoints" / "best.ckpt"
    loaded = PointRegressor(encoder=NAME, encoder_weights=str(path), in_channels=4)
    assert_same(loaded.network.encoder.state_dict(), tiles.network.encoder.state_dict())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"encoder": "resnet18"},
            "with the encoder 'resnet18', got {path} with '{name}'; set encoder to that, or give another file.",
        ),
        (
            {"encoder": NAME, "in_channels": 4},
            "with in_channels 4, got {path} with 3; set in_channels to that, or give another file.",
        ),
    ],
)
def test_a_checkpoint_of_another_encoder_is_refused_with_both_values(streets_checkpoint, arguments, words) -> None:
    _, path = streets_checkpoint
    with pytest.raises(ValueError, match="encoder_weights") as caught:
        PointRegressor(encoder_weights=path, **arguments)
    words = words.format(path=path, name=NAME)
    assert str(caught.value) == f"encoder_weights: expected a checkpoint {words}"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that would be printed."""
    words: list[str] = []
    monkeypatch.setattr("triptych.tasks.checkpoints.rank_zero_info", words.append)
    return words


def test_other_classes_take_all_weights_but_those_of_the_head_and_one_line_says_so(streets_checkpoint, said) -> None:
    streets, path = streets_checkpoint
    model = UNetSegmenter.from_checkpoint(path, num_classes=7, pct_start=0.4)
    assert said == [
        f"UNetSegmenter: starts from {path}, except for weights of another shape: network.head (2 tensors)."
    ]
    assert_same(model.state_dict(), streets.state_dict() | part(model, "network.head"))
    assert model.eval()(torch.zeros(1, 3, 32, 32, dtype=torch.uint8)).shape == (1, 7, 32, 32)
    h = model.hparams
    assert (h.num_classes, h.pct_start, h.max_lr, h.encoder, h.encoder_weights) == (7, 0.4, 0.5, NAME, None)
    assert (h.ignore_index, h.class_names, h.class_weights) == (None, None, None)


def part(model, start: str) -> dict[str, torch.Tensor]:
    return {key: tensor for key, tensor in model.state_dict().items() if key.startswith(start)}


def test_the_same_classes_take_everything_without_a_word(streets_checkpoint, said) -> None:
    streets, path = streets_checkpoint
    model = UNetSegmenter.from_checkpoint(path)
    assert said == []
    assert_same(model.state_dict(), streets.state_dict())
    assert model.class_names == list("abcde")


@pytest.mark.parametrize("task", ["camvid", "biwi", "planet"])
def test_every_task_starts_from_a_run_folder_of_its_own(make_panel, save_run, task) -> None:
    saved = make_panel(task).model
    number = saved.target_hparams[0]
    model = type(saved).from_checkpoint(save_run(saved), **{number: saved.hparams[number] + 1})
    taken = [key for key, tensor in saved.state_dict().items() if torch.equal(tensor, model.state_dict()[key])]
    assert [key for key in saved.state_dict() if key.startswith("network.") and key not in taken] in (
        ["network.head.0.weight", "network.head.0.bias"],
        ["network.head.maps.5.weight", "network.head.maps.5.bias"],
        ["network.head.layers.6.weight", "network.head.layers.6.bias"],
    )


def test_the_typed_threshold_wins_and_thresholds_chosen_for_the_saved_model_are_left(save_run) -> None:
    saved = MultiLabelClassifier(3, threshold=0.2, **TINY)
    saved.thresholds[1:] = 0.3
    model = MultiLabelClassifier.from_checkpoint(save_run(saved), threshold=0.5)
    assert model.thresholds[0].tolist() == [0.5] * 3
    assert model.thresholds[1:].isnan().all()


class WithMargin(UNetSegmenter):
    """A user's subclass with an argument and a layer of its own."""

    def __init__(self, margin: float = 1.0, **arguments) -> None:
        super().__init__(**arguments)
        self.scale = torch.nn.Linear(1, 1)


def test_a_subclass_and_its_base_start_from_each_other(streets_checkpoint, save_run, said) -> None:
    _, path = streets_checkpoint
    mine = WithMargin.from_checkpoint(path, margin=2.0)
    assert said[-1].endswith("except for weights missing: scale (2 tensors).")
    assert (mine.hparams["margin"], mine.hparams["num_classes"]) == (2.0, 5)
    base = UNetSegmenter.from_checkpoint(save_run(mine, run="mine"))
    assert "margin" not in base.hparams


@pytest.mark.parametrize(
    ("task", "arguments", "words"),
    [
        (
            PointRegressor,
            {},
            "{path}: expected a checkpoint of PointRegressor, got one without num_points; to take its encoder alone: "
            "PointRegressor(encoder='{name}', encoder_weights='{path}').",
        ),
        (
            UNetSegmenter,
            {"encoder": "resnet18"},
            "encoder: expected '{name}', as all weights come from {path}, got 'resnet18'; leave it out.",
        ),
        (UNetSegmenter, {"in_channels": 4}, "in_channels: expected 3, as all .* from {path}, got 4; leave it out."),
        (UNetSegmenter, {"encoder_weights": "imagenet"}, "encoder_weights: expected None, .* got 'imagenet'; .*"),
        (
            UNetSegmenter,
            {"num_classes": None},
            r"\S+: expected num_classes among its hyper-parameters, got none; give it\.",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(streets_checkpoint, task, arguments, words) -> None:
    _, path = streets_checkpoint
    with pytest.raises(ValueError, match="expected") as caught:
        task.from_checkpoint(path, **arguments)
    pattern = words.replace("(e", r"\(e").replace("')", r"'\)").format(path=re.escape(path), name=re.escape(NAME))
    assert re.fullmatch(pattern, str(caught.value))


def test_a_checkpoint_without_our_hyper_parameters_is_refused(tmp_path) -> None:
    torch.save({"state_dict": {}, "pytorch-lightning_version": "2.6"}, tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match=r"of UNetSegmenter, got one without encoder among its hyper-parameters\."):
        UNetSegmenter.from_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.parametrize("strict", [True, False])
def test_weights_that_do_not_fit_are_reported_by_their_modules(streets_checkpoint, strict) -> None:
    streets, _ = streets_checkpoint
    with pytest.raises(RuntimeError) as caught:
        UNetSegmenter(7, **TINY).load_state_dict(streets.state_dict(), strict=strict)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for UNetSegmenter: weights of another shape: network.head (2 tensors); load it "
        "with the hyper-parameters that it was saved with, or take what fits with UNetSegmenter.from_checkpoint."
    )
    assert caught.value.__suppress_context__
