"""Heads: the hot cell of a heat map is the point, points stay in the image, and gradients reach the encoder."""

import pytest
import torch
from torch import Tensor, nn

from triptych.models import PointNetwork
from triptych.models.heads import HeatmapHead, PooledHead


def network(num_points: int = 1, encoder: str = "resnet18") -> PointNetwork:
    torch.manual_seed(0)
    return PointNetwork(num_points, encoder, None)


def plain_head(levels: int) -> HeatmapHead:
    """A head that takes the sum of its features for the heat map."""
    head = HeatmapHead([1] * levels, num_points=1)
    head.laterals, head.maps = nn.ModuleList([nn.Identity()] * levels), nn.Identity()
    return head


def hot(size: tuple[int, int], row: int, column: int, heat: float = 100.0) -> Tensor:
    """One map (1, 1, H, W) of zeros with one hot cell."""
    cells = torch.zeros(1, 1, *size)
    cells[..., row, column] = heat
    return cells


@pytest.mark.parametrize(("row", "column"), [(0, 0), (4, 8), (2, 4), (1, 7), (4, 0)])
def test_one_hot_cell_is_the_point(row: int, column: int) -> None:
    (point,) = plain_head(1)([hot((5, 9), row, column)])[0]
    assert point.tolist() == pytest.approx([row / 2 - 1, column / 4 - 1], abs=1e-5)


def test_equal_heat_is_the_middle_and_two_hot_cells_are_the_place_between_them() -> None:
    head = plain_head(1)
    assert head([torch.full((1, 1, 6, 7), 3.0)]).abs().max() < 1e-6
    (point,) = head([hot((5, 9), 1, 2) + hot((5, 9), 3, 8)])[0]
    assert point.tolist() == pytest.approx([0, 0.25], abs=1e-5)


def test_a_hot_cell_of_a_coarse_feature_is_the_middle_of_the_cells_it_covers() -> None:
    features = [torch.zeros(1, 1, 8, 12), torch.zeros(1, 1, 4, 6), hot((2, 3), 1, 0)]
    (point,) = plain_head(3)(features)[0]
    assert point.tolist() == pytest.approx([2 * 5.5 / 7 - 1, 2 * 1.5 / 11 - 1], abs=1e-5)


def test_a_single_row_or_column_of_cells_is_the_middle() -> None:
    (point,) = plain_head(1)([hot((1, 3), 0, 2)])[0]
    assert point.tolist() == pytest.approx([0, 1], abs=1e-5)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e6])
def test_points_stay_in_the_image_whatever_the_features_are(scale: float, train: bool) -> None:
    torch.manual_seed(0)
    head = HeatmapHead([4, 6, 8], num_points=3).train(train)
    features = [scale * torch.randn(5, c, 16 // s, 24 // s) for c, s in ((4, 1), (6, 2), (8, 4))]
    points = head(features)
    assert points.shape == (5, 3, 2)
    assert points.isfinite().all()
    assert points.abs().max() <= 1 + 1e-6


def test_a_shift_of_the_features_shifts_the_point_as_far() -> None:
    torch.manual_seed(0)
    head = HeatmapHead([3], num_points=1).eval()
    head.maps[-1].weight.data *= 1000  # one cell rules
    features = torch.zeros(1, 3, 15, 21)
    features[..., 5:8, 6:9] = 3 * torch.randn(3, 3, 3)
    before, after = head([features]), head([features.roll((4, 7), dims=(2, 3))])
    torch.testing.assert_close(after - before, torch.tensor([[[4 * 2 / 14, 7 * 2 / 20]]]), atol=1e-3, rtol=0)


def test_the_softmax_is_in_float32_under_mixed_precision() -> None:
    model, images = network().eval(), torch.randint(256, (1, 3, 64, 96), dtype=torch.uint8)
    with torch.autocast("cpu", torch.bfloat16):
        points = model(images)
    assert points.dtype == torch.float32
    torch.testing.assert_close(points, model(images), atol=0.05, rtol=0)


def test_the_gradient_reaches_every_parameter() -> None:
    model = network(num_points=2)
    images = torch.randint(256, (2, 3, 64, 96), dtype=torch.uint8)
    (model(images) - 0.7).square().mean().backward()
    flat = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert flat == []
    assert all(p.grad.abs().max() > 0 for p in model.encoder.parameters())


@pytest.mark.parametrize("num_points", [1, 3])
@pytest.mark.parametrize("size", [(120, 160), (33, 57), (64, 64), (40, 200), (1, 1)])
def test_images_of_any_size_give_their_points(size: tuple[int, int], num_points: int) -> None:
    with torch.no_grad():
        points = network(num_points).eval()(torch.randint(256, (2, 3, *size), dtype=torch.uint8))
    assert (points.shape, points.dtype) == ((2, num_points, 2), torch.float32)
    assert points.abs().max() <= 1


def test_pooled_head_puts_maximum_and_mean_side_by_side() -> None:
    torch.manual_seed(0)
    head = PooledHead(in_channels=4, outputs=7).eval()
    features = torch.randn(3, 4, 5, 6)
    assert head(features).shape == (3, 7)
    assert head(features[..., :1, :1]).shape == (3, 7)
    head.layers = nn.Identity()
    torch.testing.assert_close(head(features), torch.cat([features.amax((2, 3)), features.mean((2, 3))], dim=1))


def test_pooled_head_is_the_courses() -> None:
    layers = PooledHead(in_channels=4, outputs=7).layers
    kinds = [nn.BatchNorm1d, nn.Dropout, nn.Linear, nn.ReLU, nn.BatchNorm1d, nn.Dropout, nn.Linear]
    assert all(isinstance(layer, kind) for layer, kind in zip(layers, kinds, strict=True))
    assert [layer.out_features for layer in layers if isinstance(layer, nn.Linear)] == [512, 7]
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.25, 0.5]
