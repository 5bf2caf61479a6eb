"""From an act, a place and a camera to frames: projection, drawing, and the finish of the film.

Every step that could round differently on another machine is done in float64 or in OpenCV's
integer arithmetic, so that frames are the same everywhere.
"""

import itertools
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from rev2net.mini.parts import Act
from rev2net.mini.scenery import Backdrop, Colour, paint
from rev2net.mini.skeleton import Array

Frames = NDArray[np.uint8]  # (T, H, W, 3) RGB
Palette = dict[str, Colour]

_OVERSAMPLED = 2  # drawn at twice the size, then averaged down
_LENS = 7.0  # distance of the camera, body heights: a mild perspective
_SCENERY_FOLLOWS = 0.75  # of the camera's travel: the scenery lies behind the figure


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and how it moves; shares are of the picture's height."""

    turned: float  # radians from the profile of the figure
    pitch: float  # radians, from above
    mirrored: bool
    fill: float  # share of the picture that the act fills
    offset: tuple[float, float]  # of the act from the middle, right and up, shares
    follow: float  # 0 stands still, 1 keeps a travelling figure in the middle
    pan: Array  # (T, 2) right and down, shares
    zoom: Array  # (T,) factors around 1
    roll: Array  # (T,) radians


@dataclass(frozen=True)
class Finish:
    """What lens, film and grading do to the picture."""

    mix: Array  # (3, 3) RGB to RGB
    gain: float
    lift: float  # added, grey levels
    blur: float  # standard deviation, pixels
    grain: float  # standard deviation, grey levels
    vignette: float  # darkening of the corners, share
    flicker: float  # of the exposure, share


@dataclass(frozen=True)
class Passer:
    """Someone in the background."""

    act: Act
    palette: Palette
    leftwards: bool
    place: float  # where the walk begins, body heights right of the main figure
    size: float  # against the main figure


@dataclass(frozen=True)
class Pillar:
    """Something dark near the camera that it looks past."""

    place: float  # share of the width
    width: float  # share of the width
    colour: Colour


@dataclass(frozen=True)
class Shot:
    """Everything about a clip but the act."""

    height: int
    width: int
    backdrop: Backdrop
    palette: Palette
    camera: Camera
    finish: Finish
    grain_seed: int
    passers: tuple[Passer, ...] = ()
    pillar: Pillar | None = None


def render(act: Act, shot: Shot) -> Frames:
    """Draw a clip: (T, height, width, 3) uint8 RGB."""
    height, width = shot.height * _OVERSAMPLED, shot.width * _OVERSAMPLED
    rig = _Rig.frame(act, shot.camera, height, width)
    panorama = paint(shot.backdrop, height, 2 * width, rig.margin, rig.ground / height)
    drawings = [_background(passer, shot.camera) for passer in shot.passers]
    drawings.append(_Drawing(act, shot.camera, shot.palette))
    frames = np.empty((len(rig.centre), shot.height, shot.width, 3), np.uint8)
    for t in range(len(frames)):
        canvas = rig.look(panorama, t, height, width)
        for drawing in drawings:
            drawing.draw(canvas, t, rig)
        if shot.pillar is not None:
            _draw_pillar(canvas, shot.pillar, rig, t)
        frames[t] = cv2.resize(canvas, (shot.width, shot.height), interpolation=cv2.INTER_AREA)
    if shot.camera.mirrored:
        frames = np.ascontiguousarray(frames[:, :, ::-1])
    return _finished(frames, shot.finish, np.random.default_rng(shot.grain_seed))


def project(points: Array, camera: Camera) -> Array:
    """(..., 3) to right, up, and nearness in body heights as the camera sees them."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    cos, sin = np.cos(camera.turned), np.sin(camera.turned)
    right, near = x * cos + z * sin, x * sin - z * cos
    up = y * np.cos(camera.pitch) - near * np.sin(camera.pitch)
    near = near * np.cos(camera.pitch) + y * np.sin(camera.pitch)
    lens = 1.0 / (1.0 - near / _LENS)
    return np.stack([right * lens, up * lens, near], axis=-1)


@dataclass(frozen=True)
class _Rig:
    """The camera set up for one act: how the projected world moves over the canvas."""

    camera: Camera
    half: Array  # (2,) the canvas' middle, pixels
    scale: float  # pixels per body height
    centre: Array  # (T, 2) what the camera follows, projected body heights
    anchor: Array  # (2,) where on the canvas `centre` is held

    @classmethod
    def frame(cls, act: Act, camera: Camera, height: int, width: int) -> "_Rig":
        """Choose the scale so that the act fills its share of the picture, and place it."""
        focus = np.broadcast_to(project(act.followed, camera)[..., :2], (len(camera.roll), 2))
        middle = focus.mean(axis=0)
        centre = middle + camera.follow * (focus - middle)
        low, high = _extent(act, camera, centre)
        size = np.maximum(high - low, 0.75)
        scale = camera.fill * min(height / size[1], min(width, 1.15 * height) / size[0])
        half = np.array([width / 2, height / 2])
        right, up = (share * height for share in camera.offset)
        anchor = half + np.array([right, scale * (low[1] + high[1]) / 2 - up])
        return cls(camera, half, scale, centre, anchor)

    @property
    def margin(self) -> int:
        """Rows of scenery above and below the picture, for a moving camera."""
        return round(0.6 * self.half[1])

    @property
    def ground(self) -> float:
        """Row of the ground under the figure, on average."""
        return float(self.anchor[1] + self.scale * self.centre[:, 1].mean())

    def _linear(self, t: int) -> Array:
        """Zoom and roll at moment t, a (2, 2) matrix about the canvas' middle."""
        cos, sin = np.cos(self.camera.roll[t]), np.sin(self.camera.roll[t])
        return self.camera.zoom[t] * np.array([[cos, -sin], [sin, cos]])

    def travelled(self, t: int) -> Array:
        """How far the camera has moved from its mean position, pixels right and down."""
        path = (self.centre[t] - self.centre.mean(axis=0)) * (self.scale, -self.scale)
        return path + self.camera.pan[t] * 2 * self.half[1]

    def on_canvas(self, points: Array, t: int) -> Array:
        """Canvas positions (N, 2) of projected points (N, 2)."""
        flat = self.anchor + (points - self.centre[t]) * (self.scale, -self.scale)
        flat = flat - self.camera.pan[t] * 2 * self.half[1]
        return self.half + (flat - self.half) @ self._linear(t).T

    def look(self, panorama: Frames, t: int, height: int, width: int) -> Frames:
        """The part of the panorama that is in the picture at moment t, (height, width, 3)."""
        back = np.linalg.inv(self._linear(t))
        corner = self.half + (width, self.margin) + self.travelled(t) * (_SCENERY_FOLLOWS, 1.0)
        corner -= back @ self.half
        x, y = np.arange(width)[None], np.arange(height)[:, None]
        # Where each pixel comes from, in 1/32 pixels: OpenCV then interpolates with integers,
        # whereas its warpAffine rounds differently from one kind of CPU to the next.
        column, row = (
            np.round(32 * (across * x + down * y + start)).astype(np.int32)
            for (across, down), start in zip(back.tolist(), corner.tolist(), strict=True)
        )
        whole = np.stack([column >> 5, row >> 5], axis=-1).astype(np.int16)
        part = ((row & 31) * 32 + (column & 31)).astype(np.uint16)
        view = cv2.remap(panorama, whole, part, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        return view.astype(np.uint8, copy=False)


def _extent(act: Act, camera: Camera, centre: Array) -> tuple[Array, Array]:
    """Lower left and upper right (2,) of the act about `centre`, but for its widest moments."""
    low, high = np.full_like(centre, np.inf), np.full_like(centre, -np.inf)
    for part in act.parts:
        about = project(part.points, camera)[..., :2] - centre[:, None]
        radii = part.radii[:, None]
        low = np.minimum(low, (about - radii).min(axis=1))
        high = np.maximum(high, (about + radii).max(axis=1))
    return np.percentile(low, 25, axis=0), np.percentile(high, 75, axis=0)


class _Drawing:
    """One act, projected, ready to be drawn moment by moment from far to near.

    A background act is drawn at `size` and moved by `place`, body heights right and up.
    """

    def __init__(
        self,
        act: Act,
        camera: Camera,
        palette: Palette,
        size: float = 1.0,
        place: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.parts = [*act.parts, *act.flying]
        seen = [project(part.points, camera) for part in self.parts]
        ends = np.cumsum([0, *(points.shape[1] for points in seen)]).tolist()
        self.slices = [slice(*pair) for pair in itertools.pairwise(ends)]
        length = max(map(len, seen))
        moving = [np.broadcast_to(points, (length, *points.shape[1:])) for points in seen]
        points = np.concatenate(moving, axis=1)  # (T, N, 3), part after part
        near = np.stack([points[:, part, 2].mean(axis=1) for part in self.slices], axis=1)
        self.order = np.argsort(near + [part.nearer for part in self.parts], axis=1, kind="stable")
        light = np.clip(1.0 + 0.9 * (near - 0.05), 0.72, 1.08)[..., None]
        colours = np.array([palette[part.material] for part in self.parts])
        self.colours = np.minimum(colours * light, 255).tolist()
        self.points = points[..., :2] * size + place
        radii = [
            np.broadcast_to(part.radii, at.shape[1])
            for part, at in zip(self.parts, seen, strict=True)
        ]
        self.radii = np.concatenate(radii) * size  # (N,)
        ground = np.atleast_2d(project(act.followed * (1.0, 0.0, 1.0), camera)[..., :2])
        self.ground = ground * size + place
        self.shadow = act.shadow * size

    def draw(self, canvas: Frames, t: int, rig: _Rig) -> None:
        """Draw moment t; nearer parts are a little lighter."""
        scale = rig.scale * rig.camera.zoom[t]
        if self.shadow > 0:
            below = rig.on_canvas(self.ground[t % len(self.ground)][None], t)[0]
            _draw_shadow(canvas, below, self.shadow * scale)
        t_act = t % len(self.points)
        points = rig.on_canvas(self.points[t_act], t)
        wires = _fixed(points)
        outlines = _fixed(points[:, None] + self.radii[:, None, None] * scale * _ROUND)
        for i in self.order[t_act]:
            part, colour = self.slices[i], self.colours[t_act][i]
            if self.parts[i].is_wire:
                thick = max(1, round(2 * self.radii[part.start] * scale))
                cv2.polylines(canvas, [wires[part]], False, colour, thick, cv2.LINE_AA, shift=4)
            else:
                outline = cv2.convexHull(outlines[part].reshape(-1, 2))
                cv2.fillConvexPoly(canvas, outline, colour, cv2.LINE_AA, shift=4)


def _background(passer: Passer, camera: Camera) -> _Drawing:
    """A passer's drawing: in profile, smaller, a little higher up in the picture."""
    profile = replace(camera, turned=np.pi if passer.leftwards else 0.0)
    place = (passer.place, 0.3 * (1 - passer.size))
    return _Drawing(passer.act, profile, passer.palette, passer.size, place)


_ROUND = np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], axis=-1)


def _fixed(points: Array) -> NDArray[np.int32]:
    """Pixel positions as OpenCV's fixed-point numbers with 4 fractional bits."""
    return np.round(points * 16).astype(np.int32)


def _draw_shadow(canvas: Frames, below: Array, half_width: float) -> None:
    dark = np.zeros_like(canvas)
    axes = _fixed(np.array([half_width, 0.16 * half_width])).tolist()
    for share, depth in ((1.15, 18), (0.85, 34)):
        size = [round(share * axis) for axis in axes]
        centre = _fixed(below).tolist()
        cv2.ellipse(dark, centre, size, 0, 0, 360, (depth,) * 3, -1, cv2.LINE_AA, 4)
    cv2.subtract(canvas, dark, dst=canvas)


def _draw_pillar(canvas: Frames, pillar: Pillar, rig: _Rig, t: int) -> None:
    width = canvas.shape[1]
    left = (pillar.place - pillar.width / 2) * width - 1.6 * rig.travelled(t)[0]
    first, last = _fixed(np.array([left, left + pillar.width * width])).tolist()
    bottom = canvas.shape[0] * 16
    cv2.rectangle(canvas, (first, 0), (last, bottom), pillar.colour, -1, cv2.LINE_AA, 4)


def _finished(frames: Frames, finish: Finish, rng: np.random.Generator) -> Frames:
    """The frames as the film shows them."""
    count, height, width, _ = frames.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shade = 1 - finish.vignette * (x**2 + y**2) / 2
    done = np.empty_like(frames)
    for t in range(count):
        picture = cv2.GaussianBlur(frames[t], (0, 0), finish.blur)
        r, g, b = (picture[..., channel].astype(np.float64) for channel in range(3))
        light = shade * finish.gain * (1 + finish.flicker * rng.standard_normal())
        grain = finish.lift + finish.grain * rng.standard_normal((height, width))
        for channel, (from_r, from_g, from_b) in enumerate(finish.mix.tolist()):
            mixed = (r * from_r + g * from_g + b * from_b) * light + grain
            done[t, ..., channel] = np.clip(np.round(mixed), 0, 255)
    return done
