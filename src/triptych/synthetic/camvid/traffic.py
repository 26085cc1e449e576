"""Vehicles, pedestrians and cyclists in a made-up street."""

import itertools
import math
from dataclasses import dataclass

from triptych.synthetic.camvid.canvas import NEAR_M, Outline, Point, StreetCanvas, facing, flat, upright
from triptych.synthetic.camvid.look import Color, Street

_RUBBER: Color = (34, 34, 38)
_WINDSCREEN: Color = (66, 80, 96)

_Profile = tuple[tuple[float, float, float, bool], ...]


@dataclass(frozen=True)
class Body:
    """Shape of one kind of vehicle.

    Args:
        label: Its class in the mask.
        half_width: Half its width in metres.
        length: Its length in metres.
        profile: Outline seen from the side, from the bottom of the rear over the roof to the bottom of the front. Each
            point is (distance from the rear in metres, height in metres, fraction of the full width, whether glass
            starts there).
        windows: Side windows, each (start, end, bottom, top) in metres.
    """

    label: str
    half_width: float
    length: float
    profile: _Profile
    windows: tuple[tuple[float, float, float, float], ...]


CAR = Body(
    "Car",
    0.88,
    4.1,
    ((0, 0.28, 1, False), (0, 0.92, 1, True), (0.45, 1.42, 0.80, False), (2.2, 1.46, 0.80, True), (3.0, 0.98, 1, False),
     (4.0, 0.82, 1, False), (4.1, 0.28, 1, False)),
    ((0.45, 1.30, 0.98, 1.36), (1.40, 2.45, 0.98, 1.36)),
)  # fmt: skip
SUV = Body(
    "SUVPickupTruck",
    0.98,
    4.6,
    ((0, 0.40, 1, False), (0, 1.15, 1, True), (0.25, 1.78, 0.88, False), (2.7, 1.82, 0.88, True), (3.4, 1.25, 1, False),
     (4.5, 1.10, 1, False), (4.6, 0.40, 1, False)),
    ((0.35, 1.45, 1.22, 1.70), (1.55, 2.80, 1.22, 1.70)),
)  # fmt: skip
VAN = Body(
    "Truck_Bus",
    1.05,
    5.4,
    ((0, 0.35, 1, False), (0, 1.30, 1, True), (0, 2.0, 1, False), (0.1, 2.45, 0.96, False), (4.0, 2.45, 0.96, True),
     (4.8, 1.35, 1, False), (5.4, 1.15, 1, False), (5.4, 0.35, 1, False)),
    ((3.3, 4.2, 1.35, 2.10),),
)  # fmt: skip
BUS = Body(
    "Truck_Bus",
    1.25,
    9.0,
    ((0, 0.35, 1, False), (0, 1.3, 1, True), (0, 2.3, 1, False), (0, 2.6, 1, True), (0, 3.7, 1, False),
     (0.1, 4.1, 0.96, False), (8.9, 4.1, 0.96, False), (9.0, 3.7, 1, True), (9.0, 2.6, 1, False), (9.0, 2.3, 1, True),
     (9.0, 1.3, 1, False), (9.0, 0.35, 1, False)),
    tuple((0.4 + 1.4 * i, 1.6 + 1.4 * i, low, low + 0.9) for low in (1.4, 2.8) for i in range(6)),
)  # fmt: skip


@dataclass(frozen=True)
class Vehicle:
    """A vehicle whose near end is at `depth`; the camera sees its rear if `away`, else its front."""

    body: Body
    x: float
    depth: float
    paint: Color
    away: bool

    def shadow(self, street: Street) -> list[Outline]:
        """Ground under the vehicle and a little beside it."""
        w, s = self.body.half_width, self.depth
        return [flat(self.x - w - 0.1, self.x + w + 0.1, s - 0.15, s + self.body.length)]

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws the body from far to near, then the visible side, then lamps and number plate of the near end."""
        self._draw_shell(canvas)
        offset = self.x - canvas.street.camera_x
        if abs(offset) > self.body.half_width:
            self._draw_side(canvas, -math.copysign(1.0, offset))
        if canvas.shows_detail(self.depth):
            self._draw_near_end(canvas)

    def _place(self, along: float) -> float:
        return self.depth + (along if self.away else self.body.length - along)

    def _draw_shell(self, canvas: StreetCanvas) -> None:
        body = self.body
        pairs = list(itertools.pairwise(body.profile))
        for (a0, y0, w0, glass), (a1, y1, w1, _) in reversed(pairs) if self.away else pairs:
            s0, s1, r0, r1 = self._place(a0), self._place(a1), w0 * body.half_width, w1 * body.half_width
            strip = [(self.x - r0, y0, s0), (self.x - r1, y1, s1), (self.x + r1, y1, s1), (self.x + r0, y0, s0)]
            steep = abs(y1 - y0) > abs(a1 - a0)
            canvas.fill([strip], _WINDSCREEN if glass else self.paint, body.label, 0.9 if steep else 1.12)

    def _draw_side(self, canvas: StreetCanvas, side: float) -> None:
        body, street = self.body, canvas.street
        lit = 1.0 - street.light.contrast * (0.1 if side == street.sun_side else 0.6)
        outline = [(self.x + side * w * body.half_width, y, self._place(a)) for a, y, w, _ in body.profile]
        canvas.fill([outline], self.paint, body.label, lit)
        if not canvas.shows_detail(self.depth):
            return
        x = self.x + side * body.half_width
        pane = self.x + 0.94 * side * body.half_width
        panes = [upright(pane, y0, y1, self._place(a0), self._place(a1)) for a0, a1, y0, y1 in body.windows]
        canvas.fill(panes, _WINDSCREEN, lit=lit)
        axles = (0.2 * body.length, 0.8 * body.length)
        canvas.fill([_wheel(x, 0.34, self._place(a), 0.34) for a in axles], _RUBBER, body.label)
        canvas.fill([_wheel(x, 0.34, self._place(a), 0.17) for a in axles], (150, 152, 156))

    def _draw_near_end(self, canvas: StreetCanvas) -> None:
        body, x, s = self.body, self.x, self.depth
        w, foot = body.half_width, body.profile[0][1]
        tires = [facing(x - w, x - w + 0.25, 0, foot, s), facing(x + w - 0.25, x + w, 0, foot, s)]
        canvas.fill(tires, _RUBBER, body.label)
        canvas.fill([facing(x - w, x + w, foot, foot + 0.14, s)], (58, 60, 64), body.label)
        lamps = [facing(x - w + 0.04, x - w + 0.32, 0.62, 0.84, s), facing(x + w - 0.32, x + w - 0.04, 0.62, 0.84, s)]
        canvas.fill(lamps, (206, 40, 36) if self.away else (252, 248, 216), lit=1.1)
        canvas.fill([facing(x - 0.26, x + 0.26, 0.5, 0.62, s)], (236, 216, 96) if self.away else (236, 236, 232))


def _wheel(x: float, y: float, s: float, radius: float) -> Outline:
    """Circle of points around (x, y, s) in the plane of a wheel."""
    turns = [2 * math.pi * i / 12 for i in range(12)]
    return [(x, y + radius * math.sin(turn), s + radius * math.cos(turn)) for turn in turns]


@dataclass(frozen=True)
class Pedestrian:
    """A person on foot; `stride`, in radians, is the phase of the step."""

    x: float
    depth: float
    height: float
    stride: float
    coat: Color
    trousers: Color
    skin: Color

    def shadow(self, street: Street) -> list[Outline]:
        """A small patch beside the feet."""
        return [flat(self.x, self.x - street.sun_side * 0.6 * self.height, self.depth - 0.2, self.depth + 0.2)]

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws legs, arms, coat and head."""
        x, s, h = self.x, self.depth, self.height
        swing = 0.14 * h * math.sin(self.stride)
        for foot, lit in ((x + swing, 0.8), (x - swing, 1.0)):
            canvas.stroke([(x, 0.48 * h, s), (foot, 0.02 * h, s)], 0.085 * h, self.trousers, "Pedestrian", lit)
        for hand in (x - 0.13 * h - 0.5 * swing, x + 0.13 * h - 0.5 * swing):
            arm = [(x + math.copysign(0.1 * h, hand - x), 0.8 * h, s), (hand, 0.5 * h, s)]
            canvas.stroke(arm, 0.06 * h, self.coat, "Pedestrian", 0.8)
        _draw_torso(canvas, (x, 0.44 * h, s), h, self.coat, "Pedestrian")
        _draw_head(canvas, (x, 0.92 * h, s), h, self.skin, (64, 50, 42), "Pedestrian")


@dataclass(frozen=True)
class Bicyclist:
    """A person on a bicycle, seen from behind; `stride`, in radians, is the angle of the pedals."""

    x: float
    depth: float
    stride: float
    coat: Color
    helmet: Color
    skin: Color

    def shadow(self, street: Street) -> list[Outline]:
        """A narrow patch under the wheels."""
        return [flat(self.x, self.x - street.sun_side * 0.8, self.depth - 0.3, self.depth + 1.3)]

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws the wheels, the handlebar, the legs, the coat and the helmet."""
        if canvas.distance(self.depth) == NEAR_M:
            return
        x, s, kick = self.x, self.depth, 0.12 * math.sin(self.stride)
        for place in (s + 1.05, s):
            rim = _wheel(x, 0.34, place, 0.34)
            canvas.stroke([*rim, rim[0]], 0.09, _RUBBER, "Bicyclist")
        canvas.stroke([(x - 0.3, 1.05, s + 0.9), (x + 0.3, 1.05, s + 0.9)], 0.06, _RUBBER, "Bicyclist")
        canvas.stroke([(x, 0.34, s), (x, 0.95, s + 0.3)], 0.07, self.helmet, "Bicyclist")
        for side, lift in ((-1, kick), (1, -kick)):
            hip, foot = (x + 0.1 * side, 0.98, s + 0.3), (x + 0.12 * side, 0.3 + lift, s)
            knee = (x + 0.2 * side, 0.65 + lift, s + 0.4)
            canvas.stroke([hip, knee, foot], 0.13, (60, 62, 74), "Bicyclist")
        _draw_torso(canvas, (x, 0.9, s + 0.2), 1.65, self.coat, "Bicyclist")
        _draw_head(canvas, (x, 1.68, s + 0.2), 1.75, self.skin, self.helmet, "Bicyclist")


def _draw_torso(canvas: StreetCanvas, foot: Point, height: float, coat: Color, label: str) -> None:
    x, y, s = foot
    h = height
    coat_line = [(x - 0.09 * h, y, s), (x - 0.13 * h, y + 0.38 * h, s), (x - 0.06 * h, y + 0.43 * h, s)]
    canvas.fill([[*coat_line, *((2 * x - px, py, s) for px, py, _ in reversed(coat_line))]], coat, label)


def _draw_head(canvas: StreetCanvas, center: Point, height: float, skin: Color, hair: Color, label: str) -> None:
    x, y, s = center
    canvas.discs([(x, y + 0.012 * height, s)], [0.075 * height], hair, label)
    canvas.discs([(x, y - 0.02 * height, s)], [0.055 * height], skin, label)
