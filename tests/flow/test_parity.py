"""The numba backend gives OpenCV's flow: the same floats wherever OpenCV stops after as many steps.

TV-L1 is chaotic where the flow is ambiguous, so the yardstick on real frames is OpenCV's own: how
far its flow moves when the first frame gets noise of a thousandth of a grey level.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rev2net.flow import tvl1
from tests.flow.flow_images import end_point_error, moving_pair, real_pairs


def self_distance(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> float:
    """Mean end-point error between OpenCV and OpenCV with noise of 0.001 grey levels."""
    noise = np.random.default_rng(0).normal(0, 0.001, first.shape)
    noisy = ((first + noise) / 255).astype(np.float32)
    exact = (second / 255).astype(np.float32)
    flow = tvl1(first, second, backend="opencv")
    return float(end_point_error(tvl1(noisy, exact, backend="opencv"), flow).mean())


def distance(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> float:
    ours, theirs = (tvl1(first, second, backend=backend) for backend in ("numba", "opencv"))
    return float(end_point_error(ours, theirs).mean())


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"tau": 0.1},
        {"lambda_": 0.05},
        {"theta": 0.5},
        {"nscales": 1},
        {"nscales": 9},
        {"warps": 1},
        {"epsilon": 0.001},
        {"epsilon": 0.0, "outerIterations": 2},
        {"innerIterations": 7},
        {"outerIterations": 1},
        {"scaleStep": 0.5},
        {"scaleStep": 0.7},
        {"medianFiltering": 1},
        {"medianFiltering": 3},
    ],
    ids=str,
)
def test_every_parameter_means_what_it_means_to_opencv(parameters: dict[str, Any]) -> None:
    first, second = moving_pair(57, 70, 2, -1)
    ours, theirs = (
        tvl1(first, second, backend=backend, **parameters) for backend in ("numba", "opencv")
    )
    np.testing.assert_array_equal(ours, theirs)


def test_floating_point_frames_give_opencvs_flow() -> None:
    random = np.random.default_rng(3)
    first, second = (
        (frame / 255 + random.normal(0, 0.01, frame.shape)).astype(np.float32)
        for frame in moving_pair(48, 64, 3, 1)
    )
    ours, theirs = (tvl1(first, second, backend=backend) for backend in ("numba", "opencv"))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["v_SoccerPenalty_g17_c04", "RATRACE_wave_f_nm_np1_fr_goo_37"])
def test_real_pairs_are_no_further_off_than_opencv_from_itself(
    clips: list[Path], name: str
) -> None:
    clip = next(clip for clip in clips if clip.stem == name)
    first, second = next(real_pairs(clip, 1))
    assert distance(first, second) <= max(0.005, self_distance(first, second))


@pytest.mark.slow
def test_all_real_clips_keep_to_the_yardstick(clips: list[Path]) -> None:
    distances = []
    for clip in clips:
        for first, second in real_pairs(clip, 3):
            distances.append(distance(first, second))
            if distances[-1] > 0.005:
                assert distances[-1] <= self_distance(first, second), clip
    assert np.median(distances) <= 0.002


def test_rubber_whale_keeps_to_opencvs_own_regression_rule(real_data: Path) -> None:
    folder = real_data / "flow"
    first, second = (
        cv2.imread(str(folder / f"RubberWhale{k}.png"), cv2.IMREAD_GRAYSCALE) for k in (1, 2)
    )
    assert first is not None
    assert second is not None
    ours = tvl1(first, second, backend="numba")
    golden = cv2.readOpticalFlow(str(folder / "tvl1_flow.flo"))
    assert (end_point_error(ours, golden) < 0.1).mean() >= 0.95

    truth = cv2.readOpticalFlow(str(folder / "RubberWhale.flo"))
    known = np.abs(truth).max(axis=-1) < 1e9  # Middlebury's mark of no truth
    theirs = tvl1(first, second, backend="opencv")
    errors = (end_point_error(flow, truth)[known].mean() for flow in (ours, theirs))
    assert abs(np.subtract(*errors)) <= 0.002
