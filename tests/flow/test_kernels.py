"""The numba kernels one by one, against numpy in float64 and against OpenCV."""

import cv2
import numba
import numpy as np
import pytest

from rev2net.flow.kernels.iteration import FIELDS
from rev2net.flow.kernels.median import median_filter
from rev2net.flow.kernels.rounding import norm
from rev2net.flow.kernels.warp import CHANNELS, FRAME, linearise, sampled_image
from tests.flow.flow_images import texture


@numba.njit(error_model="numpy")
def norms(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    for i in range(x.shape[0]):
        out[i] = norm(x[i], y[i])


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1, 1e3])
def test_norm_rounds_as_if_computed_in_float64(scale: float) -> None:
    random = np.random.default_rng(0)
    x, y = (random.standard_normal((2, 1 << 18)) * scale).astype(np.float32)
    x[::7] *= np.float32(1e-4)  # one component much smaller than the other
    computed = np.empty_like(x)
    norms(x, y, computed)
    exact = np.sqrt(x.astype(np.float64) ** 2 + y.astype(np.float64) ** 2).astype(np.float32)
    assert (computed != exact).sum() <= 1  # a tie that a millionth of a unit decides


def test_norm_of_nothing_is_negligible() -> None:
    computed = np.empty(9, np.float32)
    norms(np.zeros(9, np.float32), np.zeros(9, np.float32), computed)
    assert computed.max() < 1e-18


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("shape", [(3, 3), (5, 4), (16, 16), (33, 57), (70, 130)])
@pytest.mark.parametrize("ties", [False, True])
def test_median_filter_is_opencvs(size: int, shape: tuple[int, int], ties: bool) -> None:
    image = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    if ties:
        image = np.round(image)
    height, width = shape
    field = np.full((height, width + 1), np.nan, np.float32)  # NaN where no pixel may be read
    field[:, :width] = image
    median_filter(field.reshape(-1), height, width, width + 1, size)
    np.testing.assert_array_equal(field[:, :width], cv2.medianBlur(image, size))


@pytest.mark.parametrize("reach", [0, 0.3, 3, 40])
@pytest.mark.parametrize("shape", [(16, 16), (19, 31), (64, 48)])
def test_linearise_samples_as_opencvs_bicubic_remap(reach: float, shape: tuple[int, int]) -> None:
    height, width = shape
    image = texture(height, width).astype(np.float32)
    flow = (np.random.default_rng(2).standard_normal((2, *shape)) * reach).astype(np.float32)
    framed = sampled_image(image)
    fields = np.zeros((FIELDS, height + 2, width + 1), np.float32)
    fields[:2, 1:-1, :-1] = flow
    linearise(np.zeros_like(image), framed, fields.reshape(FIELDS, -1))

    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height))
    at = (columns + flow[0], (rows + flow[1]).astype(np.float32))
    inner = framed[FRAME:-FRAME, FRAME:-FRAME]
    sampled, gx, gy = (
        cv2.remap(np.ascontiguousarray(inner[..., channel]), *at, cv2.INTER_CUBIC)
        for channel in range(3)
    )
    np.testing.assert_array_equal(fields[6, 1:-1, :-1], gx)
    np.testing.assert_array_equal(fields[7, 1:-1, :-1], gy)
    np.testing.assert_array_equal(
        fields[8, 1:-1, :-1], sampled - gx * flow[0] - gy * flow[1], strict=True
    )


def test_gradients_are_central_differences_of_the_image_with_its_edges_repeated() -> None:
    image = texture(9, 12).astype(np.float32)
    framed = sampled_image(image)
    assert framed.shape == (9 + 2 * FRAME, 12 + 2 * FRAME, CHANNELS)
    padded = np.pad(image, 1, mode="edge")
    inner = framed[FRAME:-FRAME, FRAME:-FRAME]
    np.testing.assert_array_equal(inner[..., 0], image)
    np.testing.assert_array_equal(inner[..., 1], (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2)
    np.testing.assert_array_equal(inner[..., 2], (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2)
    framed[FRAME:-FRAME, FRAME:-FRAME] = 0
    assert not framed.any()
