"""Backdrops: painted panoramas of a dozen places, seamless from left to right."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

HAZE = 205.0  # the grey that a distant place fades into

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]  # RGB


@dataclass(frozen=True)
class Backdrop:
    """One place as one source video shows it."""

    scene: str  # a key of SCENES
    seed: int
    clutter: float  # scales how much stands there
    horizon: float  # how far above the figure's ground it lies, share of the picture's height
    blur: float  # out of focus: standard deviation, share of the picture's height
    contrast: float


@dataclass
class _Canvas:
    """A panorama in the making; x wraps around, lengths are in units of the picture's height."""

    image: Image
    horizon: int
    unit: float
    clutter: float
    rng: np.random.Generator

    @property
    def width(self) -> float:
        return self.image.shape[1] / self.unit

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon of (x, height above the horizon)."""
        shape = np.array([(x * self.unit, self.horizon - y * self.unit) for x, y in points])
        around, (left, right) = self.image.shape[1], (shape[:, 0].min(), shape[:, 0].max())
        for moved in (-around, 0, around):
            if right + moved > -1 and left + moved < around + 1:  # some of it is in the image
                corners = np.round((shape + np.array([moved, 0])) * 16).astype(np.int32)
                cv2.fillPoly(self.image, [corners], colour, cv2.LINE_AA, shift=4)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)

    def blob(self, x: float, y: float, across: float, up: float, colour: Colour) -> None:
        turns = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        self.polygon([(x + across * np.cos(a), y + up * np.sin(a)) for a in turns], colour)

    def along(self, spacing: float) -> list[float]:
        """Positions about `spacing` apart all around the panorama."""
        count = max(1, round(self.width / spacing))
        return [(i + self.rng.uniform(-0.3, 0.3)) * self.width / count for i in range(count)]

    def vary(self, colour: Colour, amount: float = 14) -> Colour:
        return shade(colour, self.rng.uniform(-amount, amount, 3))


def shade(colour: Colour, change: float | NDArray[np.float64]) -> Colour:
    """A colour made lighter or darker, channel by channel, within 0..255."""
    r, g, b = np.clip(np.asarray(colour, dtype=np.float64) + change, 0, 255).astype(int).tolist()
    return r, g, b


def paint(backdrop: Backdrop, height: int, width: int, margin: int, ground: float) -> Image:
    """A panorama (height + 2 * margin, width, 3) uint8 RGB.

    `height` is the picture's, `ground` the row of the figure's ground in it, share of the height.
    """
    rng = np.random.default_rng(backdrop.seed)
    rows = height + 2 * margin
    horizon = round(margin + (ground - backdrop.horizon) * height)
    horizon = min(max(horizon, 8), rows - 8)
    scene = SCENES[backdrop.scene]
    image = np.empty((rows, width, 3), np.uint8)
    tint = rng.uniform(-12, 12, 3)
    for (start, end), part in ((scene.above, image[:horizon]), (scene.below, image[horizon:])):
        ramp = np.linspace(0, 1, len(part))[:, None]
        colours = np.array(start) * (1 - ramp) + np.array(end) * ramp + tint
        part[:] = np.clip(colours[:, None], 0, 255).astype(np.uint8)
    canvas = _Canvas(image, horizon, height, backdrop.clutter, rng)
    for feature in scene.features:
        feature(canvas)
    _mottle(image[horizon:], rng, 7 + 5 * backdrop.clutter)
    soft = cv2.GaussianBlur(image, (0, 0), backdrop.blur * height, borderType=cv2.BORDER_REFLECT)
    return np.round(HAZE + (soft - HAZE) * backdrop.contrast).astype(np.uint8)


def _mottle(ground: Image, rng: np.random.Generator, depth: float) -> None:
    """Spots on the ground, so that a moving camera shows in the optical flow."""
    coarse = rng.normal(0, depth, (max(2, len(ground) // 5), ground.shape[1] // 9))
    spots = cv2.resize(coarse, (ground.shape[1], len(ground)), interpolation=cv2.INTER_CUBIC)
    ground[:] = np.clip(ground + spots[..., None], 0, 255).astype(np.uint8)


def _clouds(canvas: _Canvas) -> None:
    for x in canvas.along(0.8):
        y = canvas.rng.uniform(0.4, 0.75)
        for _ in range(3):
            dx, dy = canvas.rng.uniform(-0.1, 0.1), canvas.rng.uniform(-0.02, 0.02)
            canvas.blob(x + dx, y + dy, 0.1, 0.035, (244, 246, 248))


def _hills(canvas: _Canvas) -> None:
    for lift, colour in ((0.10, (138, 170, 150)), (0.03, (112, 154, 104))):
        for x in canvas.along(0.7):
            across, up = canvas.rng.uniform(0.3, 0.6), canvas.rng.uniform(0.06, 0.16)
            canvas.blob(x, lift - 0.06, across, up, canvas.vary(colour, 8))


def _trees(canvas: _Canvas) -> None:
    for x in canvas.along(0.55 / canvas.clutter):
        size = canvas.rng.uniform(0.07, 0.17)
        canvas.box(x - 0.012, -0.03, 0.024, size + 0.04, (96, 74, 54))
        leaf = canvas.vary((66, 118, 60), 18)
        for dx, dy in ((-0.4, 0.0), (0.4, 0.0), (0.0, 0.5)):
            canvas.blob(x + dx * size, size * 1.3 + dy * size, size * 0.7, size * 0.65, leaf)


def _trunks(canvas: _Canvas) -> None:
    for x in canvas.along(0.3 / canvas.clutter):
        across = canvas.rng.uniform(0.02, 0.05)
        bark = canvas.vary((84, 68, 52), 16)
        canvas.box(x, canvas.rng.uniform(-0.12, 0.0), across, 1.5, bark)


def _fence(canvas: _Canvas) -> None:
    white = canvas.vary((226, 220, 208), 16)
    for y in (0.02, 0.10, 0.18):
        canvas.box(0, y - 0.06, canvas.width, 0.018, white)
    for x in canvas.along(0.28):
        canvas.box(x, -0.08, 0.025, 0.24, shade(white, -10))


def _houses(canvas: _Canvas) -> None:
    x = 0.0
    while x < canvas.width - 0.2:
        across, up = canvas.rng.uniform(0.3, 0.5), canvas.rng.uniform(0.4, 0.85)
        walls = ((206, 160, 126), (188, 112, 92), (214, 204, 180), (150, 160, 176))
        wall = canvas.vary(walls[canvas.rng.integers(4)])
        canvas.box(x, 0, min(across, canvas.width - x), up, wall)
        for row in np.arange(0.1, up - 0.1, 0.2):
            for column in np.arange(0.06, across - 0.1, 0.14):
                canvas.box(x + column, row, 0.07, 0.11, shade(wall, -52))
        x += across + (0.0 if canvas.rng.random() < 0.7 else 0.12)


def _kerb(canvas: _Canvas) -> None:
    canvas.box(0, -0.06, canvas.width, 0.06, (182, 178, 172))
    for x in canvas.along(0.4):
        canvas.box(x, -0.3, 0.16, 0.022, (224, 222, 214))


def _windows(canvas: _Canvas) -> None:
    frame = canvas.vary((236, 240, 240), 8)
    for x in canvas.along(0.6):
        canvas.box(x, 0.42, 0.32, 0.26, frame)
        canvas.box(x + 0.02, 0.44, 0.28, 0.22, canvas.vary((172, 204, 222), 10))
        canvas.box(x + 0.15, 0.42, 0.015, 0.26, frame)


def _wall_bars(canvas: _Canvas) -> None:
    wood = canvas.vary((176, 122, 72))
    for x in canvas.along(0.9 / canvas.clutter):
        for y in np.arange(0.03, 0.5, 0.055):
            canvas.box(x, y, 0.3, 0.016, wood)
        for post in (0.0, 0.15, 0.29):
            canvas.box(x + post, 0.0, 0.018, 0.52, shade(wood, -22))


def _lines(canvas: _Canvas) -> None:
    for y in (-0.1, -0.26):
        canvas.box(0, y, canvas.width, 0.016, (240, 236, 224))
    for x in canvas.along(0.9):
        canvas.polygon(
            [(x, -0.1), (x + 0.02, -0.1), (x - 0.08, -0.26), (x - 0.1, -0.26)], (240, 236, 224)
        )


def _stand(canvas: _Canvas) -> None:
    canvas.box(0, 0.02, canvas.width, 0.26, canvas.vary((84, 84, 100), 10))
    for row in range(4):
        for x in canvas.along(0.075):
            if canvas.rng.random() < 0.75:
                coat = tuple(canvas.rng.integers(60, 230, 3).tolist())
                canvas.blob(x, 0.05 + row * 0.06, 0.022, 0.026, coat)
                canvas.blob(x, 0.083 + row * 0.06, 0.012, 0.013, (206, 166, 136))


def _boards(canvas: _Canvas) -> None:
    for x in canvas.along(0.5):
        colour = tuple(canvas.rng.integers(70, 240, 3).tolist())
        canvas.box(x, -0.05, 0.44, 0.08, colour)
        canvas.box(x + 0.08, -0.02, 0.26, 0.02, (240, 240, 240))


def _lamps(canvas: _Canvas) -> None:
    for x in canvas.along(0.7):
        y = canvas.rng.uniform(0.6, 0.8)
        for size, light in ((0.07, 40), (0.045, 80), (0.022, 150)):
            base = canvas.image[
                int(np.clip(canvas.horizon - y * canvas.unit, 0, len(canvas.image) - 1)), 0
            ]
            canvas.blob(
                x, y, size, size, shade(tuple(base.tolist()), np.array([light, light, light * 0.7]))
            )


def _cracks(canvas: _Canvas) -> None:
    for x in canvas.along(0.16 / canvas.clutter):
        y = canvas.rng.uniform(-0.2, 0.8)
        for _ in range(3):
            dx, dy = canvas.rng.uniform(-0.1, 0.1), canvas.rng.uniform(0.05, 0.16)
            canvas.polygon([(x, y), (x + 0.012, y), (x + dx, y + dy)], canvas.vary((112, 92, 78)))
            x, y = x + dx, y + dy


def _boulders(canvas: _Canvas) -> None:
    for x in canvas.along(0.35 / canvas.clutter):
        stone = canvas.vary((164, 142, 120), 20)
        y, across = canvas.rng.uniform(-0.1, 0.8), canvas.rng.uniform(0.05, 0.14)
        canvas.blob(x, y, across, across * 0.6, shade(stone, -24))
        canvas.blob(x - 0.01, y + 0.015, across * 0.9, across * 0.5, stone)


def _panels(canvas: _Canvas) -> None:
    for x in canvas.along(0.5):
        canvas.box(x, 0.0, 0.012, 1.2, (176, 180, 188))
    for x in canvas.along(0.8 / canvas.clutter):
        colour = tuple(canvas.rng.integers(90, 220, 3).tolist())
        canvas.box(x, 0.2, canvas.rng.uniform(0.12, 0.3), canvas.rng.uniform(0.15, 0.35), colour)


def _bricks(canvas: _Canvas) -> None:
    top = canvas.image[max(canvas.horizon - 2, 0), 0]
    for row, y in enumerate(np.arange(0.0, 1.0, 0.06)):
        for x in np.arange(0.07 * (row % 2), canvas.width, 0.14):
            if canvas.rng.random() < 0.55:
                canvas.box(x, y, 0.13, 0.052, canvas.vary(tuple(top.tolist()), 16))


def _sun(canvas: _Canvas) -> None:
    x = canvas.rng.uniform(0, canvas.width)
    canvas.blob(x, 0.3, 0.13, 0.13, (254, 214, 150))
    canvas.blob(x, 0.3, 0.09, 0.09, (255, 236, 190))


def _sea(canvas: _Canvas) -> None:
    canvas.box(0, 0, canvas.width, 0.12, canvas.vary((96, 140, 160), 10))
    for x in canvas.along(0.2):
        y = canvas.rng.uniform(0.01, 0.1)
        canvas.box(x, y, canvas.rng.uniform(0.05, 0.15), 0.008, (206, 220, 222))


@dataclass(frozen=True)
class Scene:
    """A place: what is above and below the horizon, and what stands there."""

    above: tuple[Colour, Colour]  # from the top down to the horizon
    below: tuple[Colour, Colour]  # from the horizon down to the camera
    features: tuple[Callable[[_Canvas], None], ...]


SCENES: dict[str, Scene] = {
    "meadow": Scene(
        ((116, 176, 226), (206, 228, 240)),
        ((120, 176, 84), (70, 140, 58)),
        (_clouds, _hills, _trees),
    ),
    "gym": Scene(
        ((226, 218, 200), (208, 196, 172)),
        ((196, 150, 96), (160, 112, 66)),
        (_wall_bars, _windows),
    ),
    "street": Scene(
        ((150, 190, 222), (222, 226, 224)), ((128, 128, 134), (96, 96, 104)), (_houses, _kerb)
    ),
    "paddock": Scene(
        ((140, 186, 226), (226, 226, 208)),
        ((206, 172, 122), (180, 142, 94)),
        (_hills, _trees, _fence),
    ),
    "hall": Scene(
        ((98, 112, 140), (140, 152, 172)),
        ((214, 158, 92), (190, 128, 66)),
        (_windows, _lines, _stand),
    ),
    "rocks": Scene(
        ((178, 154, 132), (150, 126, 106)), ((142, 118, 96), (112, 92, 76)), (_cracks, _boulders)
    ),
    "studio": Scene(
        ((202, 206, 212), (226, 228, 230)), ((186, 188, 192), (156, 158, 164)), (_panels,)
    ),
    "stadium": Scene(
        ((70, 88, 124), (120, 128, 150)),
        ((62, 150, 66), (44, 118, 52)),
        (_stand, _boards, _lamps),
    ),
    "cellar": Scene(((74, 62, 64), (104, 82, 76)), ((92, 80, 78), (62, 54, 56)), (_bricks, _lamps)),
    "yard": Scene(
        ((180, 196, 204), (206, 210, 206)), ((150, 146, 138), (124, 120, 114)), (_bricks, _fence)
    ),
    "forest": Scene(
        ((122, 160, 128), (176, 196, 150)), ((104, 112, 62), (76, 82, 46)), (_trunks, _trees)
    ),
    "beach": Scene(
        ((250, 190, 130), (250, 222, 178)), ((226, 204, 156), (206, 178, 126)), (_sun, _sea)
    ),
}
