"""TV-L1 optical flow: one interface over the numba, OpenCV and CUDA backends.

The method is the duality-based TV-L1 of Zach, Pock and Bischof (2007) as OpenCV computes it on the
CPU (`cv2.optflow.DualTVL1OpticalFlow`); all backends give that flow, at different speeds.
"""

import ctypes
import importlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rev2net.errors import UserError
from rev2net.flow.parameters import MIN_SIDE, Flow, Image, Parameters

FLOW_VERSION = 1  # raised whenever the flow of any backend changes by more than rounding
BACKENDS = ("numba", "opencv", "cuda")
OVERSHOOT = 0.5  # beyond 0..1 in floating-point frames: resampling and noise do that, 0..255 not


def tvl1(
    prev: npt.ArrayLike, next: npt.ArrayLike, *, backend: str = "auto", **parameters: Any
) -> Flow:
    """Flow (H, W, 2) float32 from `prev` to `next`, x then y, in pixels per frame.

    Frames are greyscale (H, W), both uint8 or both floating point in 0..1 as for OpenCV, at least
    3 pixels a side. `backend` is "numba", "opencv", "cuda" or "auto" (cuda where there is a GPU,
    else numba); `parameters` are those of `rev2net.flow.parameters.Parameters`, named as in
    OpenCV. Raises ValueError for frames or parameters that TV-L1 cannot take, UserError for a
    backend this machine cannot run.
    """
    (flow,) = tvl1_sequence((prev, next), backend=backend, **parameters)
    return flow


def tvl1_sequence(
    frames: Iterable[npt.ArrayLike], *, backend: str = "auto", **parameters: Any
) -> Iterator[Flow]:
    """The flow of each frame to the next: T frames give T - 1 flows, lazily and in order.

    Takes and raises what `tvl1` does, and gives the same flows, with the work that two pairs share
    done once.
    """
    settings = Parameters(**parameters)
    solve = importlib.import_module(f"rev2net.flow.{resolve_backend(backend)}_backend").solve
    flows: Iterator[Flow] = solve(_as_images(frames), settings)
    return flows


def resolve_backend(backend: str) -> str:
    """The backend that a name stands for here: "auto" is cuda where there is a GPU, else numba.

    Raises UserError for an unknown name, and for cuda on a machine that cannot run it.
    """
    if backend == "auto":
        return "numba" if _why_no_cuda() else "cuda"
    if backend not in BACKENDS:
        allowed = ", ".join(("auto", *BACKENDS))
        raise UserError(f"flow backend: {backend!r} is unknown; allowed are {allowed}")
    if backend == "cuda" and (reason := _why_no_cuda()):
        raise UserError(
            f"flow backend: 'cuda' cannot run here ({reason}); allowed are numba, opencv"
        )
    return backend


def _why_no_cuda() -> str | None:
    """What the cuda backend lacks on this machine, if anything."""
    try:
        ctypes.CDLL("libcuda.so.1")  # asked first: importing torch takes seconds
    except OSError:
        return "no NVIDIA driver found"
    import torch

    if not torch.cuda.is_available():
        return f"torch {torch.__version__} sees no CUDA GPU"
    try:
        import triton  # noqa: F401
    except ImportError:
        return "the package triton is not installed"
    return None


def _as_images(frames: Iterable[npt.ArrayLike]) -> Iterator[Image]:
    """The frames as contiguous uint8 or float32, each checked against the first."""
    first: Image | None = None
    for number, frame in enumerate(frames):
        image = _as_image(np.asarray(frame), f"frame {number}")
        if first is None:
            first = image
        if image.shape != first.shape or image.dtype != first.dtype:
            raise ValueError(
                f"frame {number}: {image.shape} {image.dtype}; allowed is what frame 0 has, "
                f"{first.shape} {first.dtype}"
            )
        yield image


def _as_image(frame: npt.NDArray[Any], name: str) -> Image:
    if frame.ndim != 2 or min(frame.shape) < MIN_SIDE:
        raise ValueError(
            f"{name}: shape {frame.shape}; allowed is greyscale (height, width), "
            f"at least {MIN_SIDE} pixels a side"
        )
    if frame.dtype == np.uint8:
        return np.ascontiguousarray(frame)
    if not np.issubdtype(frame.dtype, np.floating):
        raise ValueError(f"{name}: dtype {frame.dtype}; allowed are uint8 and floating point 0..1")
    image = np.ascontiguousarray(frame, dtype=np.float32)
    low, high = float(image.min()), float(image.max())
    if not (low >= -OVERSHOOT and high <= 1 + OVERSHOOT):  # so written, NaN is refused as well
        raise ValueError(f"{name}: values {low:g} to {high:g}; floating-point frames hold 0..1")
    return image
