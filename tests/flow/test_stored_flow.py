"""Flow as shards store it (bytes, then JPEG), beside the flow that was computed, on real clips."""

from pathlib import Path

import numpy as np
import pytest

from rev2net.flow import tvl1
from rev2net.flow.quantize import dequantize, quantize
from rev2net.video.images import decode_image, encode_image, split_components, stack_components
from tests.flow.flow_images import end_point_error, real_pairs

BOUND = 20  # pixels, as configs/paper.yaml has it
LOSSLESS, JPEG = ("png", 0), ("jpeg", 95)


def storing_errors(clips: list[Path], pairs: int) -> dict[tuple[str, int], float]:
    """By codec, the mean end-point error (pixels) that storing adds, over `pairs` of each clip."""
    errors: dict[tuple[str, int], list[float]] = {LOSSLESS: [], JPEG: []}
    for clip in clips:
        for first, second in real_pairs(clip, pairs):
            flow = tvl1(first, second, backend="numba")
            image = stack_components(quantize(flow, BOUND))
            for codec, of_codec in errors.items():
                stored = decode_image(encode_image(image, *codec), grey=True)
                read = dequantize(split_components(stored), BOUND)
                of_codec.append(end_point_error(read, flow).mean())
    return {codec: float(np.mean(of_codec)) for codec, of_codec in errors.items()}


def test_storing_costs_hundredths_of_a_pixel(clips: list[Path]) -> None:
    errors = storing_errors(clips[::6], pairs=1)
    step = BOUND / 127
    assert errors[LOSSLESS] < 0.383 * step  # the mean distance from a square's centre
    assert errors[JPEG] < errors[LOSSLESS] + 0.015


@pytest.mark.slow
def test_storing_costs_hundredths_of_a_pixel_in_all_clips(clips: list[Path]) -> None:
    errors = storing_errors(clips, pairs=8)
    print(f"{8 * len(clips)} pairs: {errors}")
    assert errors[LOSSLESS] < 0.04
    assert errors[JPEG] < errors[LOSSLESS] + 0.01
