"""Optical flow in colours: hue is the direction, saturation the speed, white stands still."""

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]  # (H, W, 3), RGB
Flow = npt.NDArray[np.float32]  # (H, W, 2), x then y, pixels per frame


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


def wheel(radius: int) -> Picture:
    """The key to the colours, a disc on white, (2 * radius + 1) pixels wide; full speed is its rim.

    What moves as its place lies from the middle has the colour there.
    """
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    picture = flow_colors(np.stack((x, y), axis=-1), radius)
    picture[np.hypot(x, y) > radius] = 255
    return picture
