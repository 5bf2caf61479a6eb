"""TV-L1 by fused numba kernels: OpenCV's flow, an order of magnitude faster on one core.

The steps and their order are those of `cv2.optflow.DualTVL1OpticalFlow`, and each rounds as there.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from numba import float32

from rev2net.flow.images import sampled_image, warp
from rev2net.flow.iteration import BLOCK, FIELDS, iterate
from rev2net.flow.median import median_filter
from rev2net.flow.opencv_backend import one_thread
from rev2net.flow.parameters import Flow, Image, Parameters
from rev2net.flow.rounding import ONE, kernel

MIN_LEVEL_SIDE = 16  # pixels of the coarsest level
SMALLEST_SQUARE = float32(2**-23)  # of a gradient along which a small residual moves the flow

Field = npt.NDArray[np.float32]  # (H, W)


class Level(NamedTuple):
    """One scale of a frame's pyramid."""

    image: Field  # (H, W), 0..255
    framed: npt.NDArray[np.float32]  # what `warp` samples


def solve(
    frames: Iterable[Image],
    parameters: Parameters,
    initial_flow: Flow | None = None,
    warm_start: bool = False,
) -> Iterator[Flow]:
    """Flow of each frame to the next; see `rev2net.flow.tvl1.tvl1_sequence`."""
    previous: list[Level] | None = None
    start = initial_flow
    for frame in frames:
        pyramid = _pyramid(frame, parameters)
        if previous is None:
            work = np.zeros((FIELDS, (frame.shape[0] + 2) * (frame.shape[1] + 1)), np.float32)
        else:
            flow = _flow(previous, pyramid, start, parameters, work)
            yield flow
            start = flow if warm_start else None
        previous = pyramid


def _pyramid(frame: Image, parameters: Parameters) -> list[Level]:
    """Finest level first."""
    image = frame.astype(np.float32)
    if frame.dtype != np.uint8:
        image *= np.float32(255)
    images = [image]
    while len(images) < parameters.nscales:
        image = _resized(image, scale=parameters.scaleStep)
        if min(image.shape) < MIN_LEVEL_SIDE:
            break
        images.append(image)
    return [Level(image, sampled_image(image)) for image in images]


def _resized(
    image: Field, scale: float | None = None, shape: tuple[int, ...] | None = None
) -> Field:
    with one_thread():
        return np.asarray(
            cv2.resize(image, shape and shape[::-1], fx=scale or 0, fy=scale or 0), np.float32
        )


def _flow(
    previous: list[Level],
    following: list[Level],
    start: Flow | None,
    parameters: Parameters,
    work: npt.NDArray[np.float32],
) -> Flow:
    """Coarse to fine: each level starts from the flow of the next coarser one."""
    flow_x, flow_y = _coarsest_flow(previous, start, parameters)
    for finer in reversed(range(len(previous))):
        solve_level(
            previous[finer].image, following[finer].framed, flow_x, flow_y, work,
            float32(parameters.tau / parameters.theta),
            float32(parameters.lambda_ * parameters.theta),
            float32(parameters.theta),
            float32(parameters.epsilon**2 * flow_x.size),
            parameters.warps, parameters.outerIterations, parameters.innerIterations,
            parameters.medianFiltering,
        )  # fmt: skip
        if finer:
            shape = previous[finer - 1].image.shape
            zoom = np.float32(1 / parameters.scaleStep)
            flow_x, flow_y = (_resized(u, shape=shape) * zoom for u in (flow_x, flow_y))
    return np.dstack((flow_x, flow_y))


def _coarsest_flow(
    levels: list[Level], start: Flow | None, parameters: Parameters
) -> tuple[Field, Field]:
    if start is None:
        return np.zeros_like(levels[-1].image), np.zeros_like(levels[-1].image)
    flow_x, flow_y = np.ascontiguousarray(start[..., 0]), np.ascontiguousarray(start[..., 1])
    for _ in levels[1:]:
        flow_x, flow_y = (
            _resized(u, scale=parameters.scaleStep) * np.float32(parameters.scaleStep)
            for u in (flow_x, flow_y)
        )
    return flow_x, flow_y


@kernel()
def solve_level(
    previous, framed, flow_x, flow_y, work, tau_theta, limit, theta, tolerance,
    warps, outer_iterations, inner_iterations, median_size,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Improve the flow of one level in place: warp, then iterate until it stands still."""
    height, width = flow_x.shape
    stride = width + 1
    size = (height + 2) * stride
    fields = work.reshape(-1)[: FIELDS * size].reshape(FIELDS, size)
    _clear(fields)
    u1, u2 = fields[0], fields[1]
    edge = np.empty((2, BLOCK), np.float32)
    _load(flow_x, u1, stride)
    _load(flow_y, u2, stride)
    for _ in range(warps):
        _linearise(previous, framed, fields, stride)
        change = np.inf
        outer = 0
        while change > tolerance and outer < outer_iterations:
            if median_size > 1:
                median_filter(u1[stride:], height, width, stride, median_size)
                median_filter(u2[stride:], height, width, stride, median_size)
            inner = 0
            while change > tolerance and inner < inner_iterations:
                change = iterate(fields, edge, height, width, tau_theta, limit, theta)
                inner += 1
            outer += 1
    _store(u1, flow_x, stride)
    _store(u2, flow_y, stride)


@kernel()
def _load(field, flat, stride):  # type: ignore[no-untyped-def]
    for y in range(field.shape[0]):
        row = flat[(y + 1) * stride : (y + 2) * stride]
        for x in range(field.shape[1]):
            row[x] = field[y, x]


@kernel()
def _store(flat, field, stride):  # type: ignore[no-untyped-def]
    for y in range(field.shape[0]):
        row = flat[(y + 1) * stride : (y + 2) * stride]
        for x in range(field.shape[1]):
            field[y, x] = row[x]


@kernel()
def _clear(fields):  # type: ignore[no-untyped-def]
    flat = fields.reshape(-1)
    for i in range(flat.shape[0]):
        flat[i] = float32(0)


@kernel()
def _linearise(previous, framed, fields, stride):  # type: ignore[no-untyped-def]
    """Linearise brightness constancy around the flow.

    Makes the last four fields: the gradient in x and y of the warped next frame, 1 over its squared
    length (0 where that is tiny), and the part of the residual that does not depend on the flow.
    All are 0 in the guards.
    """
    height, width = previous.shape
    u1, u2, intensity = fields[0], fields[1], fields[9]
    warp(
        framed, u1[stride:], u2[stride:], stride,
        intensity[stride:], fields[6, stride:], fields[7, stride:],
    )  # fmt: skip
    for y in range(height):
        i, j = (y + 1) * stride, (y + 1) * stride + width
        _residual(previous[y], u1[i:j], u2[i:j], fields[6, i:j], fields[7, i:j], fields[8, i:j],
            intensity[i:j])


@kernel()
def _residual(previous, u1, u2, gradient_x, gradient_y, reciprocal, constant):  # type: ignore[no-untyped-def]
    for x in range(u1.shape[0]):
        gx, gy = gradient_x[x], gradient_y[x]
        intensity = constant[x]
        squared = gx * gx + gy * gy
        constant[x] = ((intensity - gx * u1[x]) - gy * u2[x]) - previous[x]
        reciprocal[x] = ONE / squared if squared > SMALLEST_SQUARE else float32(0)
