"""One frame of a made-up street: sky, ground, everything that stands or moves there, and the noise of a camera."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from triptych.synthetic.camvid.backdrop import crossings, draw_ground, draw_hood, draw_sky
from triptych.synthetic.camvid.canvas import CAMERA_Y, CLASS_ID, SIGHT_M, SUPERSAMPLE, Image, Outline, StreetCanvas
from triptych.synthetic.camvid.houses import Fence, House
from triptych.synthetic.camvid.look import CLOTHES, PAINTS, ROOFS, SKINS, Street, street_look
from triptych.synthetic.camvid.scenery import LampPost, PillarBox, Sign, TrafficLight, Tree
from triptych.synthetic.camvid.traffic import BUS, CAR, SUV, VAN, Bicyclist, Pedestrian, Vehicle

_LOT_M = 11.0
"""Length of a lot along the street, in metres."""

_BEHIND_M = 10.0
_BELT_M = 98.0
"""Length in metres of the belt: the part of the street with pedestrians and traffic, which moves with the camera.

It begins `_BEHIND_M` behind the camera. Whatever leaves it at one end comes back at the other.
"""

_GROUND = ("Road", "LaneMkgsDriv", "Sidewalk", "VegetationMisc")
_OUTLINED = ("Car", "SUVPickupTruck", "Truck_Bus", "Pedestrian", "Bicyclist")

_T = TypeVar("_T")


class Thing(Protocol):
    """Something that stands or moves in the street."""

    @property
    def depth(self) -> float:
        """Place along the street in metres; far things are drawn first."""

    def shadow(self, street: Street) -> list[Outline]:
        """Ground in its shadow."""

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws itself."""


def street_frame(seed: int, drive: int, time: float, image_size: tuple[int, int]) -> tuple[Image, Image]:
    """Draws what a car's camera sees in a made-up street; the same arguments give the same pixels.

    Args:
        seed: Seed of the data set, at least 0.
        drive: Number of the drive, at least 0; each drive has its own street.
        time: Seconds since the drive began, at least 0.
        image_size: (height, width) in pixels.

    Returns:
        Image, uint8 (H, W, 3) RGB, and mask, uint8 (H, W) with ids as in `OFFICIAL_NAMES`.
    """
    street = street_look(seed, drive)
    canvas = StreetCanvas(street, street.speed * time, image_size)
    things = [
        *_lots(street, canvas.travel),
        *_walkers(street, time),
        *_crossers(street, canvas.travel, time),
        *_traffic(street, time),
    ]
    draw_sky(canvas, time)
    draw_ground(canvas)
    canvas.darken([outline for thing in things for outline in thing.shadow(street)], 0.2 + 0.5 * street.light.contrast)
    for thing in sorted(things, key=lambda thing: thing.depth, reverse=True):
        thing.draw(canvas)
    draw_hood(canvas)
    image, mask = canvas.finished()
    return _grain(image, mask, canvas, time), _outline_with_void(mask)


def _lots(street: Street, travel: float) -> Iterator[Thing]:
    first = int(travel // _LOT_M)
    for index in range(first, first + math.ceil(SIGHT_M / _LOT_M)):
        for side in (-1, 1):
            yield from _lot(street, index, side)
            yield from _kerb(street, index, side)


@lru_cache(maxsize=256)
def _lot(street: Street, index: int, side: int) -> tuple[Thing, ...]:
    """What stands on one lot: a house, or a garden behind a fence; cached, as it is the same in every frame."""
    rng = street.rng(1, index, side + 1)
    start, facade = index * _LOT_M, side * street.facade_x
    if rng.random() < street.gardens:
        places = zip(rng.uniform(2, 5, 3).tolist(), rng.uniform(1, _LOT_M, 3).tolist(), strict=True)
        trees = [Tree.grown(facade + side * x, start + s, float(rng.uniform(5, 9)), rng) for x, s in places]
        return Fence(side, start, start + _LOT_M, float(rng.uniform(1.1, 1.9))), *trees
    shade, (red, green, blue) = float(rng.uniform(0.88, 1.1)), _pick(rng, street.walls)
    shop = _pick(rng, PAINTS) if rng.random() < 0.4 else None
    lamps = tuple((rng.random(13) < street.light.lit_windows).tolist())
    floors, pitched = int(rng.integers(2, 5)), bool(rng.random() < 0.7)
    wall, roof = (shade * red, shade * green, shade * blue), _pick(rng, ROOFS)
    return (House(side, start, start + _LOT_M, floors, wall, roof, pitched, shop, lamps),)


@lru_cache(maxsize=256)
def _kerb(street: Street, index: int, side: int) -> tuple[Thing, ...]:
    """What stands at the edge of the road in front of one lot."""
    rng = street.rng(2, index, side + 1)
    x = side * (street.road_half + 0.55)
    post, sign, tree = (_LOT_M * (index + fraction + float(rng.uniform(-0.06, 0.06))) for fraction in (0.1, 0.35, 0.65))
    things: list[Thing] = []
    if (index + side) % 4 in (0, 1):
        things.append(LampPost(x, post))
    if rng.random() < street.greenery:
        things.append(Tree.grown(x + side * 0.3, tree, float(rng.uniform(4.5, 7.5)), rng))
    if (kind := rng.random()) < 0.25:
        things.append(Sign(x, sign, _pick(rng, ((190, 40, 40), (40, 84, 160)))))
    elif kind < 0.4:
        things.append(TrafficLight(x, sign, int(rng.integers(3))))
    elif kind < 0.5:
        things.append(PillarBox(x, sign))
    if rng.random() < street.parking:
        body = _pick(rng, (CAR, CAR, CAR, CAR, SUV, VAN))
        things.append(Vehicle(body, side * (street.road_half - 0.95), sign, _pick(rng, PAINTS), side < 0))
    return tuple(things)


def _pick(rng: np.random.Generator, choices: Sequence[_T]) -> _T:
    return choices[int(rng.integers(len(choices)))]


def _belt(street: Street, start: float, speed: float, time: float) -> float:
    """Place along the street of something that moves at `speed`; `start` is its place on the belt at time 0."""
    travel = street.speed * time
    return travel - _BEHIND_M + (start + (speed - street.speed) * time) % _BELT_M


def _walkers(street: Street, time: float) -> Iterator[Thing]:
    for i in range(street.walkers):
        rng = street.rng(5, i)
        side, speed = _pick(rng, (-1, 1)), _pick(rng, (-1, 1)) * float(rng.uniform(0.9, 1.6))
        x = side * (street.road_half + street.sidewalk * float(rng.uniform(0.1, 0.8)))
        yield _person(rng, x, _belt(street, float(rng.uniform(0, _BELT_M)), speed, time), time)


def _crossers(street: Street, travel: float, time: float) -> Iterator[Thing]:
    """People who walk back and forth over the zebra crossings."""
    for s in crossings(street, travel):
        for i in range(3):
            rng = street.rng(12, round(s), i)
            phase = 1.3 * time + float(rng.uniform(0, 4 * street.facade_x))
            x = abs(phase % (4 * street.facade_x) - 2 * street.facade_x) - street.facade_x
            yield _person(rng, 0.9 * x, s + float(rng.uniform(-0.9, 0.9)), time)


def _person(rng: np.random.Generator, x: float, place: float, time: float) -> Pedestrian:
    height, stride = float(rng.uniform(1.55, 1.9)), 4.0 * time + float(rng.uniform(0, 6))
    return Pedestrian(x, place, height, stride, _pick(rng, CLOTHES), _pick(rng, CLOTHES), _pick(rng, SKINS))


def _traffic(street: Street, time: float) -> Iterator[Thing]:
    rng = street.rng(6)
    lane = 0.3 * street.road_half
    gap = float(rng.uniform(15, 27)) + 4 * math.sin(0.35 * time + float(rng.uniform(0, 6)))
    yield Vehicle(_pick(rng, (CAR, CAR, SUV, VAN, BUS)), -lane, street.speed * time + gap, _pick(rng, PAINTS), True)
    for i in range(street.traffic):
        place = _belt(street, i * _BELT_M / street.traffic + float(rng.uniform(0, 12)), -5.0, time)
        yield Vehicle(_pick(rng, (CAR, CAR, CAR, SUV, BUS)), lane, place, _pick(rng, PAINTS), False)
    for i in range(street.cyclists):
        place = _belt(street, _BEHIND_M + 12 + 14 * i + float(rng.uniform(0, 8)), street.speed - 0.8, time)
        coat, helmet, skin = _pick(rng, CLOTHES), _pick(rng, PAINTS), _pick(rng, SKINS)
        yield Bicyclist(-0.52 * street.road_half, place, 5.0 * time + i, coat, helmet, skin)


def _is_one_of(mask: Image, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    table = np.array([name in names for name in CLASS_ID])
    return table[mask]


def _outline_with_void(mask: Image) -> Image:
    """Sets a line one pixel wide around people and vehicles to Void, as in CamVid's own masks."""
    things = _is_one_of(mask, _OUTLINED).astype(np.uint8)
    grown = cv2.dilate(things, np.ones((3, 3), np.uint8))
    mask[grown > things] = CLASS_ID["Void"]
    return mask


@lru_cache(maxsize=4)
def _speckle(street: Street) -> npt.NDArray[np.float32]:
    """Random texture around 0, shape (257, 257); the last row and column repeat the first, so that copies join."""
    grains = np.pad(street.rng(10).integers(0, 256, (256, 256), np.uint8), (4, 5), "wrap")
    return cv2.GaussianBlur(grains, (0, 0), 1.0)[4:-4, 4:-4].astype(np.float32) - 127.5


def _grain(image: Image, mask: Image, canvas: StreetCanvas, time: float) -> Image:
    """Adds a texture that moves with the ground, and the noise of the camera."""
    street, (height, width) = canvas.street, mask.shape
    noise = street.rng(11, round(1000 * time)).integers(-4, 5, mask.shape, np.int8).astype(np.float32)
    first = math.ceil(street.horizon * height) + 1
    focal_px = canvas.focal_px / SUPERSAMPLE
    z = focal_px * CAMERA_Y / (np.arange(first, height, dtype=np.float32) - street.horizon * height)[:, None]
    x = (np.arange(width, dtype=np.float32) - width / 2) * z / focal_px - street.curve * z * z
    across, along = np.broadcast_arrays(30 * x % 256, 12 * (z + canvas.travel) % 256)
    texture = cv2.remap(_speckle(street), across, along.astype(np.float32), cv2.INTER_LINEAR)
    noise[first:] += texture * _is_one_of(mask[first:], _GROUND) * np.minimum(0.4, 3 / z)
    noisy: Image = np.clip(image + noise[..., None], 0, 255).astype(np.uint8)
    return noisy
