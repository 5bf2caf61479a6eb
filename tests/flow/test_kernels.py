"""The numba kernels one by one, against numpy in float64 and against OpenCV."""

import cv2
import numba
import numpy as np
import pytest

from rev2net.flow.kernels.iteration import BLOCK, FIELDS, iterate, lay_out, scratch_size
from rev2net.flow.kernels.median import median_filter
from rev2net.flow.kernels.rounding import norm
from rev2net.flow.kernels.vector import LANES, load, store
from rev2net.flow.kernels.warp import CHANNELS, FRAME, linearise, sampled_image
from tests.flow.flow_images import texture


@numba.njit(error_model="numpy")
def norms(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    for i in range(0, x.shape[0], LANES):
        k = numba.uintp(i)
        store(out, k, norm(load(x, k), load(y, k)))  # type: ignore[call-arg]


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
    computed, nothing = np.empty(LANES, np.float32), np.zeros(LANES, np.float32)
    norms(nothing, nothing, computed)
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


def test_median_filter_orders_every_kind_of_float() -> None:
    kinds = np.array([0, -0.0, 1e-45, -1e-45, 1e-39, -1e-39, 1, -1, 3e38, -3e38], np.float32)
    image = np.random.default_rng(5).choice(kinds, (40, 50))
    field = image.copy()
    median_filter(field.reshape(-1), 40, 50, 50, 5)
    np.testing.assert_array_equal(field, cv2.medianBlur(image, 5))


TAU_THETA, LIMIT, THETA = np.float32(0.25 / 0.3), np.float32(0.15 * 0.3), np.float32(0.3)


def plain_iteration(fields: np.ndarray) -> np.ndarray:
    """An iteration in OpenCV's order and roundings, pass after pass over (9, H, W)."""
    u, p, gx, gy, constant = fields[:2], fields[2:6], fields[6], fields[7], fields[8]
    residual = constant + (gx * u[0] + gy * u[1])
    square = gx * gx + gy * gy
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(square > np.float32(2**-23), residual / square, np.float32(0))
    step = np.where(residual > LIMIT * square, LIMIT, step)
    step = np.where(residual < -(LIMIT * square), -LIMIT, step)
    new = fields.copy()
    for component, gradient in enumerate((gx, gy)):
        px, py = p[2 * component : 2 * component + 2]
        left, above = np.pad(px, ((0, 0), (1, 0)))[:, :-1], np.pad(py, ((1, 0), (0, 0)))[:-1]
        divergence = (px - left) + (py - above)
        divergence[:, 0] = (px[:, 0] + py[:, 0]) - above[:, 0]
        moved = (u[component] - step * gradient) + THETA * divergence
        x = np.diff(moved, axis=1, append=moved[:, -1:])
        y = np.diff(moved, axis=0, append=moved[-1:])
        norm = np.sqrt(x.astype(np.float64) ** 2 + y.astype(np.float64) ** 2).astype(np.float32)
        length = np.float32(1) + TAU_THETA * norm
        new[component] = moved
        new[2 * component + 2] = (px + TAU_THETA * x) / length
        new[2 * component + 3] = (py + TAU_THETA * y) / length
    return new


@pytest.mark.parametrize("scale", [0, 1e-42, 1e-20, 1e-10, 1, 1e4, 1e15])
@pytest.mark.parametrize("shape", [(3, 3), (5, 16), (16, 17), (33, 40), (70, 131)])
def test_iterations_round_as_opencvs(scale: float, shape: tuple[int, int]) -> None:
    height, width = shape
    random = np.random.default_rng(4)
    plain = random.standard_normal((FIELDS, *shape)).astype(np.float32)
    plain[:2] *= np.float32(scale)
    plain[:2, : height // 2] = 0  # no motion, and no texture in parts of both halves
    plain[6:8] *= 20 * random.integers(0, 2, shape)
    plain[2:6] *= 0.1
    plain[[2, 4], :, -1] = plain[[3, 5], -1] = 0  # nothing flows out of the image
    fields = lay_out(np.full(scratch_size(*shape), np.nan, np.float32), *shape)
    rows = fields[:, : (height + 2) * (width + 1)].reshape(FIELDS, height + 2, width + 1)
    rows[:, 1:-1, :-1] = plain
    edge = np.empty((2, BLOCK), np.float32)
    for _ in range(4):
        change = iterate(fields, edge, height, width, TAU_THETA, LIMIT, THETA)
        before, plain = plain, plain_iteration(plain)
        np.testing.assert_array_equal(rows[:, 1:-1, :-1], plain)
        moved = np.square(plain[:2] - before[:2], dtype=np.float64).sum()
        assert change == pytest.approx(moved, rel=1e-5)


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
