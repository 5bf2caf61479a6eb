"""One level of the pyramid as a numba kernel: warp, then iterate until the flow stands still."""

# mypy: ignore-errors
# Numba infers the types of kernels from what they are called with.

import numpy as np

from rev2net.flow.kernels.iteration import BLOCK, iterate, lay_out
from rev2net.flow.kernels.median import median_filter
from rev2net.flow.kernels.rounding import kernel
from rev2net.flow.kernels.warp import linearise


@kernel()
def solve_level(
    previous, framed, flow_x, flow_y, work, tau_theta, limit, theta, tolerance,
    warps, outer_iterations, inner_iterations, median_size,
):  # fmt: skip
    """Improve the flow of one level in place.

    `previous` (H, W) is the first frame, `framed` the second as `sampled_image` made it, `work`
    at least `scratch_size(H, W)` floats. `tau_theta` is tau / theta, `limit` lambda *
    theta, `tolerance` the squared change of the flow, summed over pixels, that ends a warp.
    """
    height, width = flow_x.shape
    stride = width + 1
    fields = lay_out(work, height, width)
    _load(flow_x, fields[0], stride)
    _load(flow_y, fields[1], stride)
    edge = np.empty((2, BLOCK), np.float32)
    for _ in range(warps):
        linearise(previous, framed, fields)
        change = np.inf
        outer = 0
        while change > tolerance and outer < outer_iterations:
            if median_size > 1:
                median_filter(fields[0, stride:], height, width, stride, median_size)
                median_filter(fields[1, stride:], height, width, stride, median_size)
            inner = 0
            while change > tolerance and inner < inner_iterations:
                change = iterate(fields, edge, height, width, tau_theta, limit, theta)
                inner += 1
            outer += 1
    _store(fields[0], flow_x, stride)
    _store(fields[1], flow_y, stride)


@kernel()
def _load(image, field, stride):
    for y in range(image.shape[0]):
        row = field[(y + 1) * stride : (y + 2) * stride]
        for x in range(image.shape[1]):
            row[x] = image[y, x]


@kernel()
def _store(field, image, stride):
    for y in range(image.shape[0]):
        row = field[(y + 1) * stride : (y + 2) * stride]
        for x in range(image.shape[1]):
            image[y, x] = row[x]
