"""Houses and garden fences along a made-up street."""

import itertools
from dataclasses import dataclass

from triptych.synthetic.camvid.canvas import Outline, StreetCanvas, facing, flat, upright
from triptych.synthetic.camvid.look import LAMPLIGHT, Color, Street

_FLOOR_M = 3.0
_HOUSE_DEPTH_M = 9.0
_GLASS: Color = (74, 92, 112)


@dataclass(frozen=True)
class House:
    """A house on one side (-1 left, 1 right), from `start` to `end` along the street, in metres.

    `shop` is the colour of the shop front, None if there is no shop; `lamps` says which windows are lit.
    """

    side: int
    start: float
    end: float
    floors: int
    wall: Color
    roof: Color
    pitched: bool
    shop: Color | None
    lamps: tuple[bool, ...]

    @property
    def depth(self) -> float:
        """Place along the street in metres; far things are drawn first."""
        return self.end

    @property
    def height(self) -> float:
        """Height of the eaves in metres."""
        return self.floors * _FLOOR_M + 0.7

    def shadow(self, street: Street) -> list[Outline]:
        """Ground in the shadow of the house."""
        if self.side != street.sun_side:
            return []
        front = self.side * street.facade_x
        return [flat(front, front - self.side * 0.42 * self.height, self.start, self.end)]

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws roof, walls, windows and ground floor."""
        street = canvas.street
        sunny = self.side != street.sun_side
        lit = 1.0 + street.light.contrast * (0.15 if sunny else -0.8)
        x = self.side * street.facade_x
        self._draw_roof(canvas, x, lit)
        canvas.fill(
            [facing(x, x + self.side * _HOUSE_DEPTH_M, 0, self.height, self.start)], self.wall, "Building", 0.82
        )
        canvas.fill([upright(x, 0, self.height, self.start, self.end)], self.wall, "Building", lit)
        if canvas.shows_detail(self.start):
            self._draw_windows(canvas, x, lit)
            self._draw_ground_floor(canvas, x, lit)

    def _draw_roof(self, canvas: StreetCanvas, x: float, lit: float) -> None:
        if not self.pitched:
            canvas.fill([upright(x, self.height, self.height + 0.5, self.start, self.end)], self.roof, "Building", lit)
            return
        ridge, top = x + self.side * _HOUSE_DEPTH_M / 2, self.height + 3.6
        chimney = self.start + 0.25 * (self.end - self.start)
        canvas.fill([facing(ridge - 0.5, ridge + 0.5, top - 1, top + 1.2, chimney)], self.wall, "Building", 0.7)
        eave = x - self.side * 0.3
        slope = [(eave, self.height, self.start), (eave, self.height, self.end), (ridge, top, self.end)]
        canvas.fill([[*slope, (ridge, top, self.start)]], self.roof, "Building", lit)
        gable = [(x, self.height, self.start), (ridge, top, self.start), (2 * ridge - x, self.height, self.start)]
        canvas.fill([gable], self.wall, "Building", 0.78)

    def _draw_windows(self, canvas: StreetCanvas, x: float, lit: float) -> None:
        count = max(2, round((self.end - self.start) / 2.7))
        pitch = (self.end - self.start) / count
        frames: list[Outline] = []
        dark: list[Outline] = []
        bright: list[Outline] = []
        for floor in range(1, self.floors):
            for i in range(count):
                s, y = self.start + (i + 0.28) * pitch, floor * _FLOOR_M + 0.9
                frames.append(upright(x, y - 0.2, y + 1.6, s - 0.15, s + 0.44 * pitch + 0.15))
                panes = bright if self.lamps[(floor * count + i) % len(self.lamps)] else dark
                panes.append(upright(x, y, y + 1.45, s, s + 0.44 * pitch))
        red, green, blue = self.wall
        pale = (0.5 * red + 120, 0.5 * green + 120, 0.5 * blue + 120)
        for outlines, color, factor in ((frames, pale, lit), (dark, _GLASS, lit), (bright, LAMPLIGHT, 1.2)):
            canvas.fill(outlines, color, lit=factor)

    def _draw_ground_floor(self, canvas: StreetCanvas, x: float, lit: float) -> None:
        start, end = self.start, self.end
        door = end - 1.9
        if self.shop is None:
            windows = [upright(x, 0.9, 2.5, start + 1.0, start + 2.6), upright(x, 0.9, 2.5, start + 4.0, start + 5.6)]
            canvas.fill(windows, _GLASS, lit=lit)
            canvas.fill([upright(x, 0.0, 2.3, door, door + 1.1)], self.roof, lit=lit)
            return
        lamps = canvas.street.light.lit_windows > 0.2
        canvas.fill([upright(x, 0.0, 3.1, start + 0.4, end - 0.4)], self.shop, lit=lit)
        canvas.fill([upright(x, 0.5, 2.4, start + 0.9, door - 0.5)], LAMPLIGHT if lamps else _GLASS, lit=lit)
        canvas.fill([upright(x, 0.1, 2.4, door, door + 1.0)], _GLASS, lit=0.7 * lit)
        self._draw_awning(canvas, x, lit, self.shop)

    def _draw_awning(self, canvas: StreetCanvas, x: float, lit: float, color: Color) -> None:
        rim, width = x - self.side * 1.1, (self.end - self.start - 1.2) / 8
        edges = [self.start + 0.6 + i * width for i in range(9)]
        stripes = [
            ((x, 3.0, s0), (x, 3.0, s1), (rim, 2.45, s1), (rim, 2.45, s0)) for s0, s1 in itertools.pairwise(edges)
        ]
        canvas.fill(stripes[::2], (240, 236, 226), "Building", 1.1 * lit)
        canvas.fill(stripes[1::2], color, "Building", 1.1 * lit)


@dataclass(frozen=True)
class Fence:
    """A wooden fence in front of a garden."""

    side: int
    start: float
    end: float
    height: float

    @property
    def depth(self) -> float:
        """Place along the street in metres; far things are drawn first."""
        return self.end

    def shadow(self, street: Street) -> list[Outline]:
        """Ground in the shadow of the fence."""
        if self.side != street.sun_side:
            return []
        front = self.side * street.facade_x
        return [flat(front, front - self.side * 0.42 * self.height, self.start, self.end)]

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws the boards, the gaps between them and a rail on top."""
        x, color = self.side * canvas.street.facade_x, canvas.street.fence
        canvas.fill([upright(x, 0, self.height, self.start, self.end)], color, "Fence")
        if canvas.shows_detail(self.start):
            count = round((self.end - self.start) / 0.45)
            places = [self.start + i * 0.45 for i in range(count)]
            canvas.fill([upright(x, 0.05, self.height - 0.12, s, s + 0.1) for s in places], color, lit=0.62)
            canvas.fill([upright(x, self.height - 0.1, self.height, self.start, self.end)], color, lit=1.18)
