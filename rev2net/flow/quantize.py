"""Flow as bytes: the one rule that turns pixels per frame into greyscale images and back.

A flow frame is stored as one greyscale image, the x component above the y component. Zero motion is
exactly byte 128 and reversing a motion mirrors its byte about 128 (the usual coding,
`round(255 * (v + bound) / (2 * bound))`, has no byte for zero). Byte 0 is never written.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

FlowBytes = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.float32]

ZERO = 128  # the byte of no motion
STEPS = 127  # bytes on either side of it


def quantize(flow: npt.NDArray[np.floating[Any]], bound: float) -> FlowBytes:
    """Flow (..., 2) in pixels per frame to bytes of the same shape; motion beyond ±bound saturates.

    The error is at most half a step, bound / 254 pixels, within ±bound. Raises ValueError where
    the bound is not positive or the flow is not finite.
    """
    scale = STEPS / _checked(bound)
    # float64 keeps ties exact, so that +v and -v always fall on mirrored bytes.
    steps = np.rint(np.asarray(flow, dtype=np.float64) * scale)
    if not np.isfinite(steps).all():
        raise ValueError("flow: found NaN or infinity; allowed are finite pixels per frame")
    return (ZERO + np.clip(steps, -STEPS, STEPS)).astype(np.uint8)


def dequantize(flow_bytes: FlowBytes, bound: float) -> Flow:
    """Bytes (..., 2) to flow of the same shape in pixels per frame, float32.

    Byte 0, which only image compression can produce, lies one step beyond -bound and is read as
    -bound. Raises ValueError where the bound is not positive.
    """
    scale = _checked(bound) / STEPS
    steps = np.maximum(flow_bytes.astype(np.int16) - ZERO, -STEPS)
    return (steps * scale).astype(np.float32)


def stack_components(flow_bytes: FlowBytes) -> FlowBytes:
    """Two components (H, W, 2) to one greyscale image (2H, W), x above y."""
    if flow_bytes.ndim != 3 or flow_bytes.shape[2] != 2:
        raise ValueError(f"flow bytes: shape {flow_bytes.shape}; allowed is (height, width, 2)")
    return np.concatenate((flow_bytes[..., 0], flow_bytes[..., 1]))


def split_components(image: FlowBytes) -> FlowBytes:
    """One greyscale image (2H, W), x above y, as two components (H, W, 2), without a copy."""
    if image.ndim != 2 or image.shape[0] % 2:
        raise ValueError(f"flow image: shape {image.shape}; allowed is (2 * height, width)")
    return image.reshape(2, -1, image.shape[1]).transpose(1, 2, 0)


def _checked(bound: float) -> float:
    if not (np.isfinite(bound) and bound > 0):
        raise ValueError(f"bound: {bound}; allowed is a positive number of pixels per frame")
    return bound
