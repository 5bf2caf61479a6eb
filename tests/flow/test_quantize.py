"""Flow as bytes: zero is exact, negation is exact, the error is at most half a step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rev2net.flow.quantize import dequantize, quantize
from rev2net.video.images import split_components, stack_components

bounds = st.floats(0.0625, 1024, width=32)


@given(
    bounds,
    arrays(np.float32, array_shapes(min_dims=1, max_dims=3), elements=st.floats(-1, 1, width=32)),
)
def test_error_is_at_most_half_a_step(bound: float, unit: np.ndarray) -> None:
    flow = (unit * np.float32(bound)).clip(-bound, bound)
    restored = dequantize(quantize(flow, bound), bound)
    half_step = bound / 127 / 2
    assert np.abs(restored - flow).max() <= half_step * (1 + 1e-4)  # float32 rounds the pixels


@given(bounds, arrays(np.float32, 8, elements=st.floats(-2000, 2000, width=32)))
def test_negation_is_exact(bound: float, flow: np.ndarray) -> None:
    np.testing.assert_array_equal(
        dequantize(quantize(-flow, bound), bound), -dequantize(quantize(flow, bound), bound)
    )


@given(bounds)
def test_zero_is_exact(bound: float) -> None:
    assert quantize(np.zeros(2, np.float32), bound).tolist() == [128, 128]
    assert dequantize(np.array([128], np.uint8), bound) == 0


@given(st.integers(1, 255), bounds)
def test_every_written_byte_survives(byte: int, bound: float) -> None:
    stored = np.array([byte], np.uint8)
    assert quantize(dequantize(stored, bound), bound) == stored


def test_a_hand_worked_case() -> None:
    flow = np.array([-25, -20, -10, -0.1, 0.1, 10, 20, 25], np.float32)
    # 127 / 20 = 6.35 steps a pixel: 10 px are 63.5 steps, rounded to even
    assert quantize(flow, 20).tolist() == [1, 1, 64, 127, 129, 192, 255, 255]


def test_byte_zero_of_a_compressed_image_reads_as_the_bound() -> None:
    assert dequantize(np.array([0], np.uint8), 20) == -20


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2).map(lambda shape: (*shape, 2))))
def test_components_are_stacked_x_above_y_and_split_again(flow_bytes: np.ndarray) -> None:
    image = stack_components(flow_bytes)
    height = flow_bytes.shape[0]
    np.testing.assert_array_equal(image[:height], flow_bytes[..., 0])
    np.testing.assert_array_equal(image[height:], flow_bytes[..., 1])
    np.testing.assert_array_equal(split_components(image), flow_bytes)


def test_what_has_no_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        quantize(np.array([np.nan]), 20)
    with pytest.raises(ValueError, match="bound: 0; allowed"):
        quantize(np.zeros(2), 0)
    with pytest.raises(ValueError, match=r"shape \(3, 4\); allowed is \(height, width, 2\)"):
        stack_components(np.zeros((3, 4), np.uint8))
    with pytest.raises(ValueError, match=r"shape \(3, 4\); allowed is \(2 \* height, width\)"):
        split_components(np.zeros((3, 4), np.uint8))
