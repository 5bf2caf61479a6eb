"""TV-L1 by fused numba kernels: OpenCV's flow, an order of magnitude faster on one core.

The steps and their order are those of `cv2.optflow.DualTVL1OpticalFlow`, and each rounds as there;
for what is rare, the resizes between levels, OpenCV itself is called.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from numba import float32

from rev2net.flow.kernels.iteration import scratch_size
from rev2net.flow.kernels.level import solve_level
from rev2net.flow.kernels.warp import sampled_image
from rev2net.flow.opencv_backend import one_thread
from rev2net.flow.parameters import Flow, Image, Parameters
from rev2net.flow.pyramid import Field, pyramid, times


class Level(NamedTuple):
    """One scale of a frame, as the first and as the second of a pair."""

    image: Field  # (H, W), 0..255
    framed: npt.NDArray[np.float32]  # what `linearise` samples


def solve(frames: Iterable[Image], parameters: Parameters) -> Iterator[Flow]:
    """Flow of each frame to the next; see `rev2net.flow.tvl1.tvl1_sequence`.

    A frame's pyramid and gradients serve both pairs that it belongs to.
    """
    previous: list[Level] | None = None
    for frame in frames:
        levels = [Level(image, sampled_image(image)) for image in pyramid(frame, parameters)]
        if previous is None:
            work = np.empty(scratch_size(*frame.shape), np.float32)
        else:
            yield _flow(previous, levels, parameters, work)
        previous = levels


def _flow(
    previous: list[Level],
    following: list[Level],
    parameters: Parameters,
    work: npt.NDArray[np.float32],
) -> Flow:
    """Coarse to fine: each level starts from the flow of the coarser one."""
    flow_x, flow_y = (np.zeros_like(previous[-1].image) for _ in range(2))
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
            size = previous[finer - 1].image.shape[::-1]
            with one_thread():
                flow_x, flow_y = (
                    times(np.asarray(cv2.resize(u, size)), 1 / parameters.scaleStep)
                    for u in (flow_x, flow_y)
                )
    return np.stack((flow_x, flow_y), axis=-1)
