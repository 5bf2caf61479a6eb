"""Images for the flow tests: textures, moving and real pairs; and the measure of difference."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Pair = tuple[Grey, Grey]


def texture(height: int, width: int, seed: int = 0) -> Grey:
    """Smooth noise of full contrast: everywhere something to follow, at several scales."""
    noise = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 1.5) + 2 * cv2.GaussianBlur(noise, (0, 0), 4)
    stretched = cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    return np.asarray(stretched, np.uint8)


def moving_pair(height: int, width: int, x: int = 1, y: int = 0, seed: int = 0) -> Pair:
    """Two frames of a texture that moves by whole pixels, seen through a fixed window."""
    margin = max(abs(x), abs(y))
    scene = texture(height + 2 * margin, width + 2 * margin, seed)
    first = scene[margin : margin + height, margin : margin + width]
    second = scene[margin - y : margin - y + height, margin - x : margin - x + width]
    return first, second


def end_point_error(flow: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The end-point error of each pixel, (H, W)."""
    x, y = np.moveaxis(np.asarray(flow, np.float64) - other, -1, 0)
    return np.hypot(x, y)


def real_pairs(clip: Path, count: int) -> Iterator[Pair]:
    """Pairs of neighbouring frames of a clip at 340x256, spread over its length."""
    capture = cv2.VideoCapture(str(clip))
    frames = []
    while (frame := capture.read()[1]) is not None:
        frames.append(frame)
    for k in range(count):
        i = int((k + 0.5) / count * (len(frames) - 2))
        first, second = (
            cv2.cvtColor(cv2.resize(f, (340, 256)), cv2.COLOR_BGR2GRAY) for f in frames[i : i + 2]
        )
        yield np.asarray(first), np.asarray(second)
