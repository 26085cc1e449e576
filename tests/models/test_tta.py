"""Averages over views: they agree with the plain prediction where they must, and with a computation by hand."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from triptych.models.tta import average_labels, average_masks, average_points, from_view, points_from_view, to_view
from triptych.views import View, views_of

FLIP, DIHEDRAL = views_of("flip"), views_of("dihedral")
IMAGES = torch.randint(256, (2, 3, 5, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class PerPixel(nn.Module):
    """Logits that depend on the pixel alone: no view changes them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 4, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images / 64)


@torch.no_grad()
@pytest.mark.parametrize("views", [FLIP, DIHEDRAL])
def test_the_views_of_a_network_that_no_symmetry_changes_average_to_its_own_prediction(views: list[View]) -> None:
    network = PerPixel()
    averaged = average_masks(network, IMAGES, views)
    torch.testing.assert_close(averaged, network(IMAGES).log_softmax(dim=1))
    assert torch.equal(averaged.argmax(dim=1), network(IMAGES).argmax(dim=1))


def test_masks_are_averaged_as_probabilities_at_the_place_of_each_pixel() -> None:
    """A network that sees the left column only: classes 0 and 1 have probability 0.9 there, and 0.5 elsewhere."""

    def left_is_class_0(images: Tensor) -> Tensor:
        probabilities = torch.full((len(images), 2, *images.shape[-2:]), 0.5)
        probabilities[:, 0, :, 0], probabilities[:, 1, :, 0] = 0.9, 0.1
        return probabilities.log()

    averaged = average_masks(left_is_class_0, IMAGES[:1, :, :1, :3], FLIP).exp()
    torch.testing.assert_close(averaged[0, 0, 0], torch.tensor([0.7, 0.5, 0.7]))


def test_tags_are_averaged_as_probabilities_of_any_size() -> None:
    logits = iter([torch.tensor([[0.0, 30.0, -200.0]]), torch.tensor([[2.0, 30.0, -200.0]])])
    averaged = average_labels(lambda _: next(logits), IMAGES, FLIP)
    assert averaged[0, 0].sigmoid() == pytest.approx((0.5 + torch.tensor(2.0).sigmoid().item()) / 2)
    assert averaged[0, 1] == pytest.approx(30)
    assert averaged[0, 2].isfinite() and averaged[0, 2] < -80


@pytest.mark.parametrize("scale", [1.0, 0.75, 1.25])
@pytest.mark.parametrize("view", DIHEDRAL)
def test_a_view_and_the_way_back_leave_a_marked_pixel_where_it_is(view: View, scale: float) -> None:
    view = view._replace(scale=scale)
    image = torch.zeros(1, 1, 21, 33, dtype=torch.uint8)
    image[..., 3:7, 20:24] = 200
    seen = to_view(image, view)
    assert seen.dtype == torch.uint8
    assert (seen.shape[-1] > seen.shape[-2]) != view.transposed
    back = from_view(seen.float(), view, (21, 33))
    assert back.shape == image.shape
    assert (back[..., 4:6, 21:23] > 150).all()
    assert back.sum() == pytest.approx(float(image.sum()), rel=0.12)


def test_the_eight_views_of_an_image_differ() -> None:
    seen = [to_view(IMAGES, view) for view in DIHEDRAL]
    assert all(not torch.equal(*pair) for shape in {one.shape for one in seen} for pair in pairwise(_of(seen, shape)))
    for view, one in zip(DIHEDRAL, seen, strict=True):
        assert torch.equal(from_view(one.float(), view, IMAGES.shape[-2:]), IMAGES.float())


def _of(seen: list[Tensor], shape: torch.Size) -> list[Tensor]:
    return [one for one in seen if one.shape == shape]


@pytest.mark.parametrize("view", DIHEDRAL)
def test_a_point_goes_back_with_its_pixel(view: View) -> None:
    image = torch.zeros(1, 1, 5, 7, dtype=torch.uint8)
    image[0, 0, 1, 5] = 1
    torch.testing.assert_close(points_from_view(brightest(to_view(image, view)), view, ()), brightest(image))


def brightest(images: Tensor) -> Tensor:
    """The centre of the brightest pixel of one image, as one point."""
    row, column = divmod(int(images[0, 0].flatten().argmax()), images.shape[-1])
    place = torch.tensor([[[row, column]]]) + 0.5
    return 2 * place / torch.tensor(images.shape[-2:]) - 1


def test_points_of_a_pair_change_places_in_a_mirrored_image_and_not_in_a_turned_one() -> None:
    """A network that calls the left of two points its first, whatever it sees."""
    left_and_right = torch.tensor([[[0.1, -0.5], [0.3, 0.5], [0.0, 0.0]]])
    averaged = average_points(lambda _: left_and_right, IMAGES[:1], FLIP, [[0, 1]])
    torch.testing.assert_close(averaged[0], torch.tensor([[0.2, -0.5], [0.2, 0.5], [0.0, 0.0]]))
    turned = points_from_view(left_and_right, View(upside_down=True, mirrored=True), [[0, 1]])
    assert torch.equal(turned, -left_and_right)
