"""Averages without torch are those of `triptych.models.tta`."""

import numpy as np
import pytest
import torch

from triptych.exported import Manifest
from triptych.models.tta import average_labels, average_masks, average_points
from triptych.runtime.tta import averaging
from triptych.views import TTAChoice, views_of

IMAGES = np.random.default_rng(0).integers(256, size=(2, 3, 21, 35), dtype=np.uint8)
CHOICES: list[TTAChoice] = ["flip", "dihedral", {"symmetry": "dihedral", "scales": [0.75, 1, 1.25]}]
PAIRS = [[0, 1]]


class Network:
    """Convolutions of the pixels, which no symmetry leaves as they are, as the network of each task."""

    def __init__(self, task: str) -> None:
        torch.manual_seed(0)
        self.task = task
        self.layer = torch.nn.Conv2d(3, 4, 3, padding=1)

    @torch.no_grad()
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.layer(images / 32)
        if self.task == "mask":
            return logits
        corner = logits[..., :3, :4].mean(dim=(2, 3))
        return corner if self.task == "labels" else corner.view(-1, 2, 2).tanh()

    def on_arrays(self, images: np.ndarray) -> np.ndarray:
        """What an exported network gives: probabilities of tags instead of logits."""
        outputs = self(torch.from_numpy(images))
        return (outputs.sigmoid() if self.task == "labels" else outputs).numpy()


def manifest_of(task: str, **hyper_parameters: object) -> Manifest:
    return Manifest(task, "resnet18", 3, (21, 35), ["left", "right"], hyper_parameters)


@pytest.mark.parametrize("tta", CHOICES)
@pytest.mark.parametrize("task", ["mask", "point", "labels"])
def test_an_average_is_that_on_tensors(task: str, tta: TTAChoice) -> None:
    network, images, views = Network(task), torch.from_numpy(IMAGES), views_of(tta)
    if task == "mask":
        expected = average_masks(network, images, views)
    elif task == "point":
        expected = average_points(network, images, views, PAIRS)
    else:
        expected = average_labels(network, images, views).sigmoid()
    found = averaging(network.on_arrays, manifest_of(task, flip_pairs=PAIRS), tta)(IMAGES)
    assert found.dtype == np.float32 and found.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(found, expected, atol=1e-3)  # a pixel between two values may be rounded up or down


def test_without_a_choice_the_network_answers_itself() -> None:
    network = Network("mask").on_arrays
    assert averaging(network, manifest_of("mask"), None) is network


def test_points_that_may_change_places_are_asked_for_in_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"^tta: expected flip_pairs, which say what of left, right change places .*\.$"
    ):
        averaging(Network("point").on_arrays, manifest_of("point"), "flip")
