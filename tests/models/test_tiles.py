"""Tiles give what the whole image gives where the network sees enough, and no seam where it does not."""

import random

import pytest
import torch
from largest import Largest
from torch import Tensor
from torch.nn import functional as F

from triptych.datasets.tile import MIN_TILE
from triptych.models import UNet, tiles
from triptych.models.tiles import STRIDE, blended, tiled_ids

CLASSES = 4


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def small_field(images: Tensor) -> Tensor:
    """Sees two pixels around each one, and the mean of its cell of 32x32, as an encoder that halves five times."""
    near = F.conv2d(images, noise(CLASSES, 3, 5, 5) - 0.5, padding=2)
    cells = F.avg_pool2d(F.pad(images, (0, -images.shape[3] % 32, 0, -images.shape[2] % 32), mode="replicate"), 32)
    coarse = F.interpolate(F.conv2d(cells, noise(CLASSES, 3, 1, 1)), scale_factor=32)
    return near + coarse[..., : images.shape[2], : images.shape[3]]


def assembled(network, image: Tensor, tile: int) -> Tensor:
    """All logits, each pixel of which must come once."""
    logits = torch.full((CLASSES, *image.shape[1:]), torch.nan)
    for rows, columns, block in blended(network, image, tile):
        assert logits[:, rows, columns].isnan().all()
        logits[:, rows, columns] = block
    assert not logits.isnan().any()
    return logits


def edges(length: int, tile: int) -> list[int]:
    """Where tiles begin and end within a side."""
    spans = tiles._spans(length, tile, torch.device("cpu"))
    return [place for one in spans for place in (one.start, one.stop) if 0 < place < length]


def test_weights_add_up_to_one_over_tiles_that_fit() -> None:
    draw = random.Random(0)
    for _ in range(300):
        length, tile = draw.randint(1, 3000), draw.randint(MIN_TILE, 1100)
        total, end = torch.zeros(length), 0
        for span in tiles._spans(length, tile, torch.device("cpu")):
            assert span.start % STRIDE == 0 and span.stop - span.start <= tile and span.start <= span.done <= span.stop
            assert end == span.start
            total[span.start : span.stop] += span.weights
            end = span.done
        assert end == length
        torch.testing.assert_close(total, torch.ones(length))
    assert MIN_TILE == 2 * STRIDE


@pytest.mark.parametrize("size", [(64, 64), (70, 50), (1, 1), (64, 33)])
def test_one_tile_that_covers_the_image_gives_its_logits_to_the_bit(size: tuple[int, int]) -> None:
    image = noise(3, *size)
    assert torch.equal(assembled(small_field, image, 96), small_field(image[None])[0])


@pytest.mark.parametrize(("size", "tile"), [((300, 210), 64), ((200, 333), 128), ((97, 700), 100), ((512, 65), 256)])
def test_tiles_equal_the_whole_away_from_their_margins_and_hardly_differ_there(
    size: tuple[int, int], tile: int
) -> None:
    image = noise(3, *size)
    difference = (assembled(small_field, image, tile) - small_field(image[None])[0]).abs().amax(dim=0)
    inside = torch.ones(size, dtype=torch.bool)
    for row in edges(size[0], tile):
        inside[max(0, row - 2) : row + 2] = False
    for column in edges(size[1], tile):
        inside[:, max(0, column - 2) : column + 2] = False
    assert not inside.all() and inside.float().mean() > 0.5
    assert difference[inside].max() < 1e-5
    hard = (small_field(image[None, :, :, :32])[0, ..., 30:] - small_field(image[None])[0, ..., 30:32]).abs().max()
    assert difference.max() < hard / 5  # where tiles would meet without a blend


def level(images: Tensor) -> Tensor:
    """The mean of a tile in all its pixels: neighbours disagree as much as they can."""
    return images.mean(dim=(1, 2, 3), keepdim=True).expand(-1, CLASSES, *images.shape[2:]).clone()


def test_there_is_no_step_between_tiles_that_disagree() -> None:
    image = noise(3, 500, 400).cumsum(dim=1)
    logits = assembled(level, image, 256)
    overlap = 32
    for dim in (1, 2):
        steps = logits.diff(dim=dim).abs().max()
        assert 0 < steps <= 1.001 * (logits.max() - logits.min()) / overlap


def wide_field(images: Tensor) -> Tensor:
    """Sees 15 pixels around each one; beyond the margin of a tile it takes zeros."""
    return F.avg_pool2d(images.mean(dim=1, keepdim=True), 31, 1, 15).expand(-1, CLASSES, -1, -1).clone()


@pytest.mark.parametrize("seed", range(5))
def test_another_grid_of_tiles_hardly_changes_the_result(seed: int) -> None:
    image, draw = noise(3, 600, 500, seed=seed), random.Random(seed)
    top, left = draw.randint(1, 200), draw.randint(1, 200)
    moved, here = assembled(wide_field, image[:, top:, left:], 256), assembled(wide_field, image, 256)
    away = (moved - here[:, top:, left:])[:, 16:-16, 16:-16].abs().max()
    cut = (wide_field(image[None, :, :256])[0, :, 224:256] - wide_field(image[None])[0, :, 224:256]).abs()
    assert away < 0.3 * cut[..., 16:-16].max()


def test_memory_is_that_of_a_tile_and_of_an_overlap() -> None:
    image = noise(3, 1500, 1100)
    with Largest() as largest:
        ids = tiled_ids(lambda images: images.mean(dim=1, keepdim=True).repeat(1, 32, 1, 1), image, 128)
    assert (ids.shape, ids.dtype) == ((1500, 1100), torch.uint8)
    assert largest.bytes == 4 * 32 * 32 * 1100 < 4 * 32 * 1500 * 1100 / 40


@torch.no_grad()
def test_a_unet_gives_the_ids_of_the_whole_in_the_middle_of_large_tiles() -> None:
    torch.manual_seed(0)
    network, image = UNet(CLASSES, "resnet18", None).eval(), (255 * noise(3, 100, 420)).to(torch.uint8)
    whole = network(image[None])[0]
    found = assembled(network, image, 256)
    assert torch.equal(tiled_ids(network, image, 256), found.argmax(dim=0))
    difference = (found - whole).abs().amax(dim=(0, 1))
    assert difference[:64].max() < 0.05 * difference.max() < 0.05 * (whole.max() - whole.min())
    assert torch.equal(tiled_ids(network, image, 448), whole.argmax(dim=0))
