"""Optical flow in colours: hue is the direction, saturation the speed, white stands still."""

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]  # (H, W, 3), RGB
Flow = npt.NDArray[np.float32]  # (H, W, 2), x then y, pixels per frame

GAP = 4  # pixels between pictures
LEGEND_WIDTH = 132
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_SCALE = 0.38
INK = (40, 40, 40)


def flow_colors(flow: Flow, max_motion: float) -> Picture:
    """Colour a flow (H, W, 2): red moves right, then clockwise over green-yellow (down) and cyan
    (left) to violet (up); motion of `max_motion` pixels per frame and more is fully saturated.
    """
    x, y = flow[..., 0], flow[..., 1]
    speed = np.hypot(x, y)
    hsv = np.empty((*speed.shape, 3), np.float32)
    hsv[..., 0] = np.degrees(np.arctan2(y, x)) % 360  # y points down, so hue runs clockwise
    hsv[..., 1] = np.minimum(speed / max_motion, 1)
    hsv[..., 2] = 1
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.asarray(np.rint(rgb * 255), np.uint8)


def legible_scale(speeds: npt.NDArray[np.floating]) -> float:
    """A round number of pixels per frame that 99 % of the speeds stay below, at least 0.5."""
    fast = float(np.percentile(speeds, 99))
    steps = (factor * 10.0**power for power in range(-1, 4) for factor in (1, 2, 5))
    return next((step for step in steps if step >= max(fast, 0.5)), 5000.0)


def legend(height: int, max_motion: float) -> Picture:
    """The colour wheel (height, LEGEND_WIDTH, 3), its rings labelled in pixels per frame."""
    radius = LEGEND_WIDTH // 2 - 14
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    motion = np.stack((x, y), axis=-1) * np.float32(max_motion / radius)
    wheel = flow_colors(motion, max_motion)
    wheel[np.hypot(x, y) > radius] = 255
    for ring in (0.5, 1.0):
        cv2.circle(wheel, (radius, radius), round(ring * radius), INK, 1, cv2.LINE_AA)
    picture = np.full((max(height, 2 * radius + 64), LEGEND_WIDTH, 3), 255, np.uint8)
    left, top = 14, 22
    picture[top : top + 2 * radius + 1, left : left + 2 * radius + 1] = wheel
    _write(picture, "pixels per frame", top - 9)
    _write(picture, f"inner ring {max_motion / 2:g}", top + 2 * radius + 18)
    _write(picture, f"outer ring {max_motion:g}", top + 2 * radius + 34)
    return picture


def beside_flow(frame: Picture, flow: Flow, max_motion: float) -> Picture:
    """A frame (H, W, 3) and, to its right, the flow that starts from it."""
    gap = np.full((frame.shape[0], GAP, 3), 255, np.uint8)
    return np.hstack((frame, gap, flow_colors(flow, max_motion)))


def flow_sheet(rows: list[tuple[Picture, Flow]], max_motion: float) -> Picture:
    """Frames with their flow, one below the other, and the legend at the right."""
    pictures = [beside_flow(frame, flow, max_motion) for frame, flow in rows]
    gap = np.full((GAP, pictures[0].shape[1], 3), 255, np.uint8)
    body = np.vstack([part for picture in pictures for part in (picture, gap)][:-1])
    key = legend(body.shape[0], max_motion)
    missing = key.shape[0] - body.shape[0]
    body = np.pad(body, ((0, missing), (0, 0), (0, 0)), constant_values=255)
    return np.hstack((body, key))


def _write(picture: Picture, text: str, baseline: int) -> None:
    (width, _), _ = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
    left = (picture.shape[1] - width) // 2
    cv2.putText(picture, text, (left, baseline), FONT, FONT_SCALE, INK, 1, cv2.LINE_AA)
