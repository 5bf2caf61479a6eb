"""Flow as bytes: the one rule that turns pixels per frame into bytes and back.

Zero motion is exactly byte 128 and reversing a motion mirrors its byte about 128 (the usual coding,
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


def _checked(bound: float) -> float:
    if not (np.isfinite(bound) and bound > 0):
        raise ValueError(f"bound: {bound}; allowed is a positive number of pixels per frame")
    return bound
