"""The Triton kernels give OpenCV's flow: on a GPU where there is one, else interpreted on the CPU.

The interpreter needs no GPU but the package triton, which comes with CUDA builds of torch only.
"""

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from rev2net.flow.parameters import Parameters
from rev2net.flow.tvl1 import tvl1_sequence
from tests.flow.flow_images import end_point_error, moving_pair, texture

GPU = torch.cuda.is_available()
if not GPU:
    os.environ["TRITON_INTERPRET"] = "1"  # read when triton is imported
triton = pytest.importorskip(
    "triton", reason="untested here: the Triton kernels (pip install triton, for its interpreter)"
)

SCENE = texture(40, 50)
FRAMES = [SCENE[k : k + 20, 2 * k : 2 * k + 24] for k in range(5)]
FEW: dict[str, Any] = {"nscales": 2, "warps": 1, "outerIterations": 2, "innerIterations": 4}


def solve(frames: list[Any], **options: Any) -> list[npt.NDArray[np.float32]]:
    from rev2net.flow.cuda_backend import solve

    device = "cuda" if GPU else "cpu"
    contiguous = (np.ascontiguousarray(frame) for frame in frames)
    return list(solve(contiguous, Parameters(**options), device))


def assert_same(flows: list[npt.NDArray[np.float32]], frames: list[Any], **options: Any) -> None:
    expected = list(tvl1_sequence(frames, backend="opencv", **options))
    assert len(flows) == len(expected)
    fused = GPU or tuple(map(int, triton.__version__.split(".")[:2])) >= (3, 9)
    if fused:
        np.testing.assert_array_equal(flows, expected)
    else:  # older interpreters round the product in a fused multiply-add
        assert (
            max(end_point_error(*pair).max() for pair in zip(flows, expected, strict=True)) < 1e-3
        )


def test_a_video_in_several_batches() -> None:
    """Five frames are four pairs, a batch of three and one; each pair stops when it is done."""
    assert_same(solve(FRAMES, **FEW, epsilon=0.03), FRAMES, **FEW, epsilon=0.03)


@pytest.mark.parametrize(
    "options",
    [{"medianFiltering": 1}, {"medianFiltering": 3}, {"scaleStep": 0.85}, {"nscales": 1}],
    ids=str,
)
def test_parameters(options: dict[str, Any]) -> None:
    options = {**FEW, "innerIterations": 2, **options}
    assert_same(solve(FRAMES[:2], **options), FRAMES[:2], **options)


def test_motion_out_of_the_image() -> None:
    frames = list(moving_pair(20, 24, 4, -3))
    flows = solve(frames, **{**FEW, "innerIterations": 12})
    assert np.abs(flows).max() > 2
    assert_same(flows, frames, **{**FEW, "innerIterations": 12})


def test_floating_point_frames() -> None:
    frames = [frame / np.float32(255) for frame in FRAMES[:3]]
    assert_same(solve(frames, **FEW), frames, **FEW)


def test_fewer_than_two_frames_have_no_flow() -> None:
    assert solve([]) == []
    assert solve(FRAMES[:1]) == []


@pytest.mark.skipif(not GPU, reason="untested here: full size, which needs a GPU")
def test_full_size_and_default_parameters() -> None:
    frames = list(moving_pair(256, 340, 3, 1))
    assert_same(solve(frames), frames)
