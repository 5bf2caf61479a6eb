"""The scales of a frame as OpenCV makes them: by its own resize."""

import cv2
import numpy as np
import numpy.typing as npt

from rev2net.flow.opencv_backend import one_thread
from rev2net.flow.parameters import MIN_LEVEL_SIDE, Image, Parameters

Field = npt.NDArray[np.float32]  # (H, W)


def pyramid(frame: Image, parameters: Parameters) -> list[Field]:
    """A frame in 0..255 at each scale, finest first."""
    image = frame.astype(np.float32)
    if frame.dtype != np.uint8:
        image *= np.float32(255)
    images = [image]
    while len(images) < parameters.nscales:
        image = _rescaled(image, parameters.scaleStep)
        if min(image.shape) < MIN_LEVEL_SIDE:
            break
        images.append(image)
    return images


def times(flow: Field, factor: float) -> Field:
    """A product that is rounded once, from float64."""
    return np.asarray(cv2.multiply(flow, factor), np.float32)  # type: ignore[call-overload]


def _rescaled(image: Field, scale: float) -> Field:
    with one_thread():
        return np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.float32)
