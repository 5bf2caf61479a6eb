"""What TV-L1 must do whatever OpenCV does: on every backend that runs here."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rev2net.flow import tvl1
from rev2net.flow.tvl1 import tvl1_sequence
from tests.flow.flow_images import end_point_error, moving_pair, texture

Flow = npt.NDArray[np.float32]
FAST: dict[str, Any] = {"nscales": 2, "warps": 2, "outerIterations": 2, "innerIterations": 10}


@pytest.fixture(params=["numba", "opencv"])
def flow_of(request: pytest.FixtureRequest) -> Callable[..., Flow]:
    def compute(*frames: npt.ArrayLike, **parameters: Any) -> Flow:
        return tvl1(*frames, backend=request.param, **parameters)

    return compute


@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, 2), (-3, 2)])
def test_a_translated_texture_gives_the_translation(
    flow_of: Callable[..., Flow], x: int, y: int
) -> None:
    flow = flow_of(*moving_pair(80, 96, x, y))
    inner = flow[10:-10, 10:-10].reshape(-1, 2)
    np.testing.assert_allclose(np.median(inner, axis=0), (x, y), atol=0.02)
    assert np.abs(inner - (x, y)).mean() < 0.05


def test_swapping_the_frames_reverses_the_flow(flow_of: Callable[..., Flow]) -> None:
    first, second = moving_pair(80, 96, 2, -1)
    forward = flow_of(first, second)[10:-10, 10:-10]
    backward = flow_of(second, first)[10:-10, 10:-10]
    assert end_point_error(forward, -backward).mean() < 0.05


def test_flipping_the_frames_flips_the_flow_and_negates_x() -> None:
    first, second = moving_pair(64, 80, 2, 1)
    flow = tvl1(first, second, backend="numba")
    flipped = tvl1(first[:, ::-1], second[:, ::-1], backend="numba")
    # Not exact: the dual field is a forward difference, which is not symmetric.
    assert end_point_error(flow[:, ::-1] * (-1, 1), flipped).mean() < 0.02


def test_transposing_the_frames_swaps_the_components(flow_of: Callable[..., Flow]) -> None:
    first, second = moving_pair(64, 80, 2, 1)
    flow = flow_of(first, second)
    transposed = flow_of(first.T, second.T)
    # Not exact: the gradient is sampled, and iterations stop, a little differently.
    assert end_point_error(flow.transpose(1, 0, 2)[..., ::-1], transposed).mean() < 0.02


@given(st.integers(3, 40), st.integers(3, 40), st.integers(0, 255))
@settings(max_examples=20, deadline=None)
def test_identical_frames_give_exactly_zero(height: int, width: int, seed: int) -> None:
    frame = texture(height, width, seed)
    assert not tvl1(frame, frame, backend="numba").any()


@pytest.mark.parametrize("values", [(0, 0), (255, 255), (10, 200)])
def test_constant_frames_give_exactly_zero(
    flow_of: Callable[..., Flow], values: tuple[int, int]
) -> None:
    first, second = (np.full((24, 30), value, np.uint8) for value in values)
    assert not flow_of(first, second).any()


@pytest.mark.parametrize(
    "shape", [(3, 3), (3, 50), (50, 3), (15, 16), (16, 16), (17, 23), (41, 61), (100, 20)]
)
def test_every_size_gives_opencvs_flow(shape: tuple[int, int]) -> None:
    first, second = moving_pair(*shape, 1, 0)
    flow = tvl1(first, second, backend="numba")
    assert flow.shape == (*shape, 2)
    assert flow.dtype == np.float32
    assert flow.flags.c_contiguous
    np.testing.assert_array_equal(flow, tvl1(first, second, backend="opencv"))


def test_layout_and_type_of_the_frames_do_not_matter(flow_of: Callable[..., Flow]) -> None:
    first, second = moving_pair(32, 40, 1, 1)
    expected = flow_of(first, second, **FAST)
    wide = np.repeat(second, 2, axis=1)[:, ::2]  # every other column: not contiguous
    np.testing.assert_array_equal(flow_of(np.asfortranarray(first), wide, **FAST), expected)
    scaled = first / np.float32(255), second / np.float32(255)
    assert end_point_error(flow_of(*scaled, **FAST), expected).max() < 1e-3


def test_frames_are_not_changed(flow_of: Callable[..., Flow]) -> None:
    first, second = (frame / np.float32(255) for frame in moving_pair(32, 40))
    kept = first.copy(), second.copy()
    flow_of(first, second, **FAST)
    np.testing.assert_array_equal((first, second), kept)


SCENE = texture(60, 70)
FRAMES = [SCENE[k : k + 40, 2 * k : 2 * k + 48] for k in range(4)]  # a camera that pans


@pytest.mark.parametrize("backend", ["numba", "opencv"])
def test_a_sequence_gives_the_flows_of_its_pairs(backend: str) -> None:
    flows = list(tvl1_sequence(iter(FRAMES), backend=backend))
    assert len(flows) == 3
    for k, flow in enumerate(flows):
        np.testing.assert_array_equal(flow, tvl1(FRAMES[k], FRAMES[k + 1], backend=backend))


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_frames_have_no_flow(count: int) -> None:
    assert list(tvl1_sequence(FRAMES[:count], backend="numba")) == []


def test_flows_come_as_frames_do() -> None:
    """A video need not fit into memory."""
    taken: list[int] = []

    def source() -> Iterator[npt.NDArray[np.uint8]]:
        for k, frame in enumerate(FRAMES):
            taken.append(k)
            yield frame

    next(tvl1_sequence(source(), backend="numba", **FAST))
    assert taken == [0, 1]
