"""From an act, a place and a camera to frames: projection, drawing, and the finish of the film."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rev2net.mini.parts import Act, Part
from rev2net.mini.scenery import Colour, paint
from rev2net.mini.skeleton import Array

Frames = NDArray[np.uint8]  # (T, H, W, 3) RGB

_OVERSAMPLED = 2  # drawn at twice the size, then averaged down
_LENS = 7.0  # distance of the camera, body heights: a mild perspective


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and how it moves; shares are of the picture's height."""

    turned: float  # radians from the profile of the figure
    pitch: float  # radians, from above
    mirrored: bool
    fill: float  # share of the picture that the action fills
    offset: tuple[float, float]  # of the figure from the middle, shares
    follow: float  # 0 stands still, 1 keeps a travelling figure in the middle
    pan: Array  # (T, 2) shares
    zoom: Array  # (T,) factors around 1
    roll: Array  # (T,) radians


@dataclass(frozen=True)
class Finish:
    """What lens, film and grading do to the picture."""

    mix: NDArray[np.float64]  # (3, 3) RGB to RGB
    gain: float
    lift: float  # added, grey levels
    blur: float  # standard deviation, pixels
    grain: float  # standard deviation, grey levels
    vignette: float  # darkening of the corners, 0..1
    flicker: float  # of the exposure, share


@dataclass(frozen=True)
class Shot:
    """Everything about a clip but the action."""

    scene: str
    scene_seed: int
    clutter: float
    soft: float
    contrast: float
    horizon: float  # height of the horizon above the figure's ground, share
    palette: dict[str, Colour]
    camera: Camera
    finish: Finish
    grain_seed: int
    height: int
    width: int
    passers: tuple[tuple[Act, dict[str, Colour]], ...] = ()
    foreground: tuple[float, float, Colour] | None = None  # x share, width share, colour


def render(act: Act, shot: Shot) -> Frames:
    """Draw a clip: (T, height, width, 3) uint8 RGB."""
    height, width = shot.height * _OVERSAMPLED, shot.width * _OVERSAMPLED
    rig = _Rig.frame(act, shot.camera, height, width)
    wide, tall = 3 * width, height + 2 * rig.margin
    horizon = int(np.clip(rig.ground - shot.horizon * height + rig.margin, 8, tall - 8))
    panorama = paint(
        shot.scene, np.random.default_rng(shot.scene_seed), wide, tall, horizon, shot.clutter
    )
    panorama = cv2.GaussianBlur(panorama, (0, 0), shot.soft * _OVERSAMPLED)
    mean = panorama.mean(axis=(0, 1))
    panorama = (mean + (panorama - mean) * shot.contrast).astype(np.uint8)
    drawings = [
        _Drawing(one, shot.camera, palette) for one, palette in (*shot.passers, (act, shot.palette))
    ]
    frames = np.empty((len(rig.centre), shot.height, shot.width, 3), np.uint8)
    for t in range(len(frames)):
        canvas = cv2.warpAffine(
            panorama,
            rig.scenery(t),
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        for drawing in drawings:
            drawing.draw(canvas, t, rig)
        if shot.foreground is not None:
            _pillar(canvas, rig, t, *shot.foreground)
        frames[t] = cv2.resize(canvas, (shot.width, shot.height), interpolation=cv2.INTER_AREA)
    if shot.camera.mirrored:
        frames = np.ascontiguousarray(frames[:, :, ::-1])
    return _finish(frames, shot.finish, shot.grain_seed)


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
        focus = project(act.followed, camera)[:, :2]
        middle = focus.mean(axis=0)
        centre = middle + camera.follow * (focus - middle)
        seen = [project(part.points, camera)[..., :2] for part in act.parts]
        extent = np.concatenate([(points - centre[:, None]).reshape(-1, 2) for points in seen])
        low, high = np.percentile(extent, 2, axis=0), np.percentile(extent, 98, axis=0)
        size = np.maximum(high - low, 0.75)
        scale = camera.fill * min(height / size[1], min(width, 1.15 * height) / size[0])
        half = np.array([width / 2, height / 2])
        offset = np.array(camera.offset) * height
        anchor = half + (offset[0], scale * (low[1] + high[1]) / 2 - offset[1])
        return cls(camera, half, scale, centre, anchor)

    @property
    def margin(self) -> int:
        """Rows of scenery above and below the picture, for a moving camera."""
        return round(0.6 * self.half[1])

    @property
    def ground(self) -> float:
        """Row of the ground under the figure, on average."""
        return float(self.anchor[1] + self.scale * self.centre[:, 1].mean())

    def linear(self, t: int) -> Array:
        """Zoom and roll at moment t, a (2, 2) matrix about the canvas' middle."""
        cos, sin = np.cos(self.camera.roll[t]), np.sin(self.camera.roll[t])
        return self.camera.zoom[t] * np.array([[cos, -sin], [sin, cos]])

    def travelled(self, t: int) -> Array:
        """How far the camera has moved from its mean position, pixels right and down."""
        path = (self.centre[t] - self.centre.mean(axis=0)) * (self.scale, -self.scale)
        return path + self.camera.pan[t] * 2 * self.half[1]

    def picture(self, points: Array, t: int) -> Array:
        """Canvas positions (N, 2) of projected points (N, 2)."""
        flat = self.anchor + (points - self.centre[t]) * (self.scale, -self.scale)
        flat = flat - self.camera.pan[t] * 2 * self.half[1]
        return self.half + (flat - self.half) @ self.linear(t).T

    def scenery(self, t: int) -> Array:
        """The (2, 3) map from the panorama to the canvas; the scenery lies further away."""
        linear = self.linear(t)
        corner = self.half + (2 * self.half[0], self.margin) + self.travelled(t) * (0.75, 1.0)
        return np.column_stack([linear, self.half - linear @ corner])


def _pillar(canvas: Frames, rig: _Rig, t: int, place: float, share: float, colour: Colour) -> None:
    """Something dark and near that the camera looks past."""
    width = canvas.shape[1]
    left = place * width - 1.6 * rig.travelled(t)[0] - share * width / 2
    corners = np.round(np.array([left, left + share * width]) * 16).astype(int).tolist()
    bottom = canvas.shape[0] * 16
    cv2.rectangle(canvas, (corners[0], 0), (corners[1], bottom), colour, -1, cv2.LINE_AA, 4)


def project(points: Array, camera: Camera) -> Array:
    """(..., 3) to right, up, and nearness in body heights as the camera sees them."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    cos, sin = np.cos(camera.turned), np.sin(camera.turned)
    right, near = x * cos + z * sin, x * sin - z * cos
    up = y * np.cos(camera.pitch) - near * np.sin(camera.pitch)
    near = near * np.cos(camera.pitch) + y * np.sin(camera.pitch)
    lens = 1.0 / (1.0 - near / _LENS)
    return np.stack([right * lens, up * lens, near], axis=-1)


class _Drawing:
    """One act, projected, ready to be drawn moment by moment from far to near."""

    def __init__(self, act: Act, camera: Camera, palette: dict[str, Colour]) -> None:
        self.items = [
            (part, project(part.points, camera), palette[part.material])
            for part in (*act.parts, *act.unframed)
        ]

    def draw(self, canvas: Frames, t: int, rig: _Rig) -> None:
        """Draw moment t; nearer parts are a little lighter."""
        moment = [(part, seen[t % len(seen)], colour) for part, seen, colour in self.items]
        moment.sort(key=lambda item: item[1][:, 2].mean() + item[0].nearer)
        scale = rig.scale * rig.camera.zoom[t]
        for part, seen, colour in moment:
            light = np.clip(1.0 + 0.9 * (seen[:, 2].mean() - 0.05), 0.72, 1.08)
            lit = np.minimum(np.array(colour) * light, 255).tolist()
            _draw(canvas, part, rig.picture(seen[:, :2], t), scale, lit)


_ROUND = np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], axis=-1)


def _draw(canvas: Frames, part: Part, points: Array, scale: float, colour: list[float]) -> None:
    if part.wire:
        thick = max(1, round(2 * part.radii[0] * scale))
        fixed = np.round(points * 16).astype(np.int32)
        cv2.polylines(canvas, [fixed], False, colour, thick, cv2.LINE_AA, shift=4)
        return
    outline = (points[:, None] + part.radii[:, None, None] * scale * _ROUND).reshape(-1, 2)
    fixed = cv2.convexHull(np.round(outline * 16).astype(np.int32))
    cv2.fillConvexPoly(canvas, fixed, colour, cv2.LINE_AA, shift=4)


def _finish(frames: Frames, finish: Finish, seed: int) -> Frames:
    rng = np.random.default_rng(seed)
    count, height, width, _ = frames.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shadow = 1 - finish.vignette * np.clip((x**2 + y**2) / 2, 0, 1)
    done = np.empty_like(frames)
    for t in range(count):
        picture = frames[t].astype(np.float32)
        if finish.blur > 0:
            picture = cv2.GaussianBlur(picture, (0, 0), finish.blur)
        picture = cv2.transform(picture, finish.mix)
        exposure = finish.gain * (1 + finish.flicker * rng.standard_normal())
        grain = rng.standard_normal((height, width)) * finish.grain
        picture = picture * (shadow * exposure)[..., None] + (finish.lift + grain)[..., None]
        done[t] = np.clip(np.round(picture), 0, 255)
    return done
