"""Heads: the hot cell of a heat map is the point, points stay in the image, and gradients reach the encoder."""

import pytest
import torch
from torch import Tensor, nn

from triptych.models import PointNetwork
from triptych.models.heads import HeatmapHead, PooledHead


def network(num_points: int = 1, encoder: str = "resnet18") -> PointNetwork:
    torch.manual_seed(0)
    return PointNetwork(num_points, encoder, None)


def plain_head(levels: int = 1, stride: int = 8) -> HeatmapHead:
    """A head that takes the sum of its features for the heat map."""
    head = HeatmapHead([1] * levels, num_points=1, stride=stride)
    head.laterals, head.maps = nn.ModuleList([nn.Identity()] * levels), nn.Identity()
    return head


def hot(cells: tuple[int, int], row: int, column: int, heat: float = 100.0) -> Tensor:
    """One map (1, 1, H, W) of zeros with one hot cell."""
    maps = torch.zeros(1, 1, *cells)
    maps[..., row, column] = heat
    return maps


def in_pixels(head: HeatmapHead, features: list[Tensor], size: tuple[int, int]) -> list[float]:
    """The only point, (y, x) in pixels from the top and left edge, as the data have it."""
    (point,) = head(features, size)[0]
    return [(coordinate + 1) / 2 * side for coordinate, side in zip(point.tolist(), size, strict=True)]


@pytest.mark.parametrize("stride", [4, 8])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (4, 8), (2, 4), (1, 7), (4, 0)])
def test_one_hot_cell_is_the_middle_of_the_pixels_that_it_covers(row: int, column: int, stride: int) -> None:
    found = in_pixels(plain_head(stride=stride), [hot((5, 9), row, column)], (5 * stride, 9 * stride))
    assert found == pytest.approx([(row + 0.5) * stride, (column + 0.5) * stride], abs=1e-4)


def test_whole_cells_are_where_the_source_has_them() -> None:
    for n in (1, 2, 5, 20):
        found = [plain_head()([hot((1, n), 0, i)], (8, 8 * n))[0, 0, 1].item() for i in range(n)]
        assert found == pytest.approx([(2 * i + 1) / n - 1 for i in range(n)], abs=1e-5)  # Nibali et al., with i from 0


def test_equal_heat_is_the_middle_and_two_hot_cells_are_the_place_between_them() -> None:
    head = plain_head()
    assert head([torch.full((1, 1, 6, 7), 3.0)], (48, 56)).abs().max() < 1e-6
    found = in_pixels(head, [hot((5, 9), 1, 2) + hot((5, 9), 3, 8)], (40, 72))
    assert found == pytest.approx([20, (20 + 68) / 2], abs=1e-4)


def test_a_hot_cell_of_a_coarse_feature_is_the_middle_of_the_pixels_that_it_covers() -> None:
    features = [torch.zeros(1, 1, 8, 12), torch.zeros(1, 1, 4, 6), hot((2, 3), 1, 0)]
    assert in_pixels(plain_head(3), features, (64, 96)) == pytest.approx([48, 16], abs=1e-4)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_same_heat_on_a_larger_image_is_the_same_point(scale: int) -> None:
    torch.manual_seed(0)
    heat = 5 * torch.randn(1, 1, 4, 6)
    larger = heat.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    small, large = plain_head()([heat], (32, 48)), plain_head()([larger], (32 * scale, 48 * scale))
    torch.testing.assert_close(small, large, atol=1e-6, rtol=0)


@pytest.mark.parametrize("side", [33, 36, 39, 40])
def test_a_cell_that_reaches_beyond_the_image_is_the_middle_of_its_part_inside_and_moves_no_other(side: int) -> None:
    found = [in_pixels(plain_head(), [hot((5, 5), i, i)], (side, side))[0] for i in range(5)]
    assert found == pytest.approx([4, 12, 20, 28, (32 + side) / 2], abs=1e-4)


@pytest.mark.parametrize(("size", "cells"), [((120, 160), (15, 20)), ((33, 57), (4, 7)), ((33, 57), (5, 8))])
def test_a_network_passes_the_size_of_its_images(size: tuple[int, int], cells: tuple[int, int]) -> None:
    """Encoders round the number of cells up, or down as VGGs do."""
    model = network()
    model.head = plain_head(3, model.head.stride)
    coarse = [torch.zeros(1, 1, 2, 2)] * 2
    model.encoder.forward = lambda images: [images, hot(cells, 2, 3), *coarse]
    (point,) = model(torch.zeros(1, 3, *size, dtype=torch.uint8))[0]
    assert point.tolist() == pytest.approx([2 * 20 / size[0] - 1, 2 * 28 / size[1] - 1], abs=1e-5)


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_weights_of_before_have_their_outermost_cells_on_the_edges(count: int) -> None:
    head = plain_head()
    head.on_edges = True
    found = [head([hot((1, count), 0, i)], (8, 8 * count))[0, 0].tolist() for i in range(count)]
    expected = torch.linspace(-1, 1, count).tolist() if count > 1 else [0.0]
    assert [y for y, _ in found] == [0.0] * count
    assert [x for _, x in found] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e6])
def test_points_stay_in_the_image_whatever_the_features_are(scale: float, train: bool) -> None:
    torch.manual_seed(0)
    head = HeatmapHead([4, 6, 8], num_points=3, stride=8).train(train)
    features = [scale * torch.randn(5, c, 16 // s, 24 // s) for c, s in ((4, 1), (6, 2), (8, 4))]
    points = head(features, (121, 190))
    assert points.shape == (5, 3, 2)
    assert points.isfinite().all()
    assert points.abs().max() <= 1 + 1e-6


def test_a_shift_of_the_features_shifts_the_point_as_far() -> None:
    torch.manual_seed(0)
    head = HeatmapHead([3], num_points=1, stride=8).eval()
    head.maps[-1].weight.data *= 1000  # one cell rules
    features = torch.zeros(1, 3, 15, 21)
    features[..., 5:8, 6:9] = 3 * torch.randn(3, 3, 3)
    rolled = features.roll((4, 7), dims=(2, 3))
    before, after = (torch.tensor(in_pixels(head, [one], (120, 168))) for one in (features, rolled))
    torch.testing.assert_close(after - before, torch.tensor([32.0, 56.0]), atol=0.1, rtol=0)


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


@pytest.mark.parametrize("on_edges", [False, True])
def test_one_exported_program_takes_every_size(on_edges: bool) -> None:
    model = network().eval()
    model.head.on_edges = on_edges
    side = torch.export.Dim.AUTO
    images = torch.randint(256, (1, 3, 96, 64), dtype=torch.uint8)
    program = torch.export.export(model, (images,), dynamic_shapes=({2: side, 3: side},)).module()
    for size in ((96, 64), (64, 160), (121, 75)):
        images = torch.randint(256, (1, 3, *size), dtype=torch.uint8)
        torch.testing.assert_close(program(images), model(images), atol=1e-5, rtol=0)


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
    for part in (features, features[..., :1, :1]):
        pooled = head.pool(part)
        assert head(pooled).shape == (3, 7)
        torch.testing.assert_close(pooled, torch.cat([part.amax((2, 3)), part.mean((2, 3))], dim=1))


def test_pooled_head_is_the_courses() -> None:
    layers = PooledHead(in_channels=4, outputs=7).layers
    kinds = [nn.BatchNorm1d, nn.Dropout, nn.Linear, nn.ReLU, nn.BatchNorm1d, nn.Dropout, nn.Linear]
    assert all(isinstance(layer, kind) for layer, kind in zip(layers, kinds, strict=True))
    assert [layer.out_features for layer in layers if isinstance(layer, nn.Linear)] == [512, 7]
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.25, 0.5]
