"""Speed and parity of `tvl1(…, backend="cuda")`, for `rev2net bench gpu`.

For each pair the mean end-point error to OpenCV's flow may be 0.005 px, or what noise of 0.001 grey
levels on the first frame does to OpenCV's own flow; its median over pairs 0.002 px.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from rev2net.bench.flow import (
    Grey,
    Pair,
    end_point_errors,
    opencv_on_noise,
    resized,
)
from rev2net.flow.parameters import Parameters
from rev2net.flow.tvl1 import tvl1, tvl1_sequence

BAR, GOAL = 1000, 3000  # pairs of 340x256 a second on one H200
CUTS = [(2048, 32), (1024, 32), (1024, 16), (2048, 16), (4096, 32), (4096, 16)]  # BLOCK, NUM_WARPS
PASSES = 3


@dataclass(frozen=True)
class Parity:
    """How far a backend is from OpenCV over some pairs."""

    size: tuple[int, int]  # width, height
    pairs: int
    equal: int  # in every float
    beyond: int  # the yardstick
    median: float  # mean end-point error of a pair, pixels

    def __str__(self) -> str:
        width, height = self.size
        return (
            f"Parity with OpenCV over {self.pairs} pairs of {width}x{height}: median end-point "
            f"error {self.median:.5f} px (bar 0.002), {self.equal} equal in every float, "
            f"{self.beyond} beyond the yardstick (bar 0)."
        )


def measure_parity(pairs: Sequence[Pair], size: tuple[int, int], backend: str) -> Parity:
    """Compare the flows of pairs at a size with OpenCV's."""
    distances, beyond = [], 0
    for first, second in resized(list(pairs), size):
        reference = tvl1(first, second, backend="opencv")
        ours = tvl1(first, second, backend=backend)
        distances.append(float(end_point_errors([ours], [reference]).mean()))
        if distances[-1] > 0.005:
            noisy = opencv_on_noise(first, second)
            beyond += distances[-1] > end_point_errors([noisy], [reference]).mean()
    same = sum(distance == 0 for distance in distances)
    return Parity(size, len(distances), same, int(beyond), statistics.median(distances))


@dataclass(frozen=True)
class FlowSpeed:
    """Pairs per second for one way to cut the work."""

    block: int
    warps: int
    batch: int  # pairs at once
    end_to_end: float  # uploads, pyramids and downloads included
    kernels: float | None  # of the device's own time; None without a GPU


def measure_speed(
    pairs: Sequence[Pair], size: tuple[int, int], cut: tuple[int, int], backend: str
) -> FlowSpeed:
    """Time batches of pairs at a size; where `backend` is not cuda, a few, whatever the cut."""
    frames = [frame for pair in resized(list(pairs), size) for frame in pair]
    if backend != "cuda":
        return FlowSpeed(*cut, len(frames) - 1, _end_to_end(frames, backend), None)
    from rev2net.flow import cuda_backend

    before = cuda_backend.BLOCK, cuda_backend.NUM_WARPS
    cuda_backend.BLOCK, cuda_backend.NUM_WARPS = cut
    try:
        batch = cuda_backend.pairs_at_once("cuda", frames[0].size)
        one, four = (_repeated(frames, count * batch + 1) for count in (1, 4))
        _end_to_end(one, backend)  # compile
        speed = statistics.median(_end_to_end(four, backend) for _ in range(PASSES))
        return FlowSpeed(*cut, batch, speed, _kernels_alone(one))
    finally:
        cuda_backend.BLOCK, cuda_backend.NUM_WARPS = before


def _repeated(frames: list[Grey], count: int) -> list[Grey]:
    return (frames * (count // len(frames) + 1))[:count]


def _end_to_end(video: list[Grey], backend: str) -> float:
    """Pairs per second from frames in memory to flows in memory."""
    began = time.perf_counter()
    count = sum(1 for _ in tvl1_sequence(video, backend=backend))
    return count / (time.perf_counter() - began)


def _kernels_alone(video: list[Grey]) -> float:
    """Pairs per second of the device's own time for one batch."""
    from rev2net.flow import cuda_backend

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    seconds = []
    for _ in range(PASSES):
        images = cuda_backend.upload([*video], Parameters(), "cuda")
        torch.cuda.synchronize()
        start.record()
        cuda_backend.launch(images, Parameters(), "cuda")
        end.record()
        torch.cuda.synchronize()
        seconds.append(start.elapsed_time(end) / 1000)
    return (len(video) - 1) / statistics.median(seconds)


def speed_table(speeds: Sequence[FlowSpeed]) -> str:
    """Markdown; the verdict is that of one H200."""
    lines = [
        "| pixels a step | warps | pairs at once | pairs/s, end to end | pairs/s, kernels | |",
        "|---|---|---|---|---|---|",
    ]
    for speed in speeds:
        met = "goal met" if speed.end_to_end >= GOAL else "bar met"
        verdict = met if speed.end_to_end >= BAR else f"below the bar of {BAR}"
        kernels = "" if speed.kernels is None else f"{speed.kernels:.0f}"
        lines.append(
            f"| {speed.block} | {speed.warps} | {speed.batch} | {speed.end_to_end:.0f} "
            f"| {kernels} | {verdict} |"
        )
    return "\n".join(lines)
