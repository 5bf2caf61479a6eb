"""The bars of `backend="cuda"`, measured on a machine with a CUDA GPU.

    python -m rev2net.bench.flow_gpu                     # on rendered frames
    python -m rev2net.bench.flow_gpu clip.avi ...        # on real ones

Prints, for 340x256, pairs per second (uploads, pyramids and downloads included, and of the kernels
alone) for several ways to cut the work, then the parity with OpenCV: for each pair, the mean
end-point error may be 0.005 px, or what noise of 0.001 grey levels on the first frame does to
OpenCV's own flow; its median over pairs 0.002 px. Put the output into docs/flow.md.
"""

import argparse
import statistics
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import triton

from rev2net.bench.flow import (
    Pair,
    end_point_errors,
    machine,
    opencv_on_noise,
    pairs_of,
    rendered_pairs,
)
from rev2net.flow import cuda_backend
from rev2net.flow.parameters import Parameters
from rev2net.flow.tvl1 import tvl1, tvl1_sequence

SIZE = (340, 256)
BAR, GOAL = 1000, 3000  # pairs per second on one H200
CUTS = [(2048, 32), (1024, 32), (1024, 16), (2048, 16), (4096, 32), (4096, 16)]  # BLOCK, NUM_WARPS


def end_to_end(video: list[np.ndarray]) -> float:
    """Pairs per second from frames in memory to flows in memory."""
    began = time.perf_counter()
    count = sum(1 for _ in tvl1_sequence(video, backend="cuda"))
    return count / (time.perf_counter() - began)


def kernels_alone(video: list[np.ndarray]) -> float:
    """Pairs per second of the device's own time for one batch."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    seconds = []
    for _ in range(5):
        images = cuda_backend.upload(video, Parameters(), "cuda")
        torch.cuda.synchronize()
        start.record()
        cuda_backend.launch(images, Parameters(), None, "cuda")
        end.record()
        torch.cuda.synchronize()
        seconds.append(start.elapsed_time(end) / 1000)
    return (len(video) - 1) / statistics.median(seconds)


def measure_speed(pairs: list[Pair]) -> None:
    frames = [cv2.resize(frame, SIZE) for pair in pairs for frame in pair]
    batch = cuda_backend.pairs_at_once("cuda", frames[0].size)
    one_batch = (frames * (batch // len(frames) + 2))[: batch + 1]
    four_batches = (frames * (4 * batch // len(frames) + 2))[: 4 * batch + 1]
    print(f"\nbatch of {batch} pairs; bar {BAR} pairs/s end to end, goal {GOAL}")
    print(f"{'BLOCK':>6} {'warps':>6} {'end to end':>11} {'kernels':>9}   pairs/s")
    for block, num_warps in CUTS:
        cuda_backend.BLOCK, cuda_backend.NUM_WARPS = block, num_warps
        end_to_end(one_batch)  # compile
        speed = statistics.median(end_to_end(four_batches) for _ in range(3))
        verdict = "goal met" if speed >= GOAL else "bar met" if speed >= BAR else "too slow"
        alone = kernels_alone(one_batch)
        print(f"{block:6} {num_warps:6} {speed:11.0f} {alone:9.0f}   {verdict}", flush=True)
    cuda_backend.BLOCK, cuda_backend.NUM_WARPS = CUTS[0]


def measure_parity(pairs: list[Pair]) -> None:
    distances, worse = [], 0
    for pair in pairs:
        first, second = (np.asarray(cv2.resize(frame, SIZE), np.uint8) for frame in pair)
        reference = tvl1(first, second, backend="opencv")
        ours = tvl1(first, second, backend="cuda")
        distances.append(end_point_errors([ours], [reference]).mean())
        if distances[-1] > 0.005:
            noisy = opencv_on_noise(first, second)
            worse += distances[-1] > end_point_errors([noisy], [reference]).mean()
    same = sum(distance == 0 for distance in distances)
    median = statistics.median(distances)
    print(f"\nparity over {len(pairs)} pairs: median EPE {median:.5f} px (bar 0.002), {same} equal")
    print(f"pairs beyond the yardstick: {worse} (bar 0)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--pairs", type=int, default=3, help="a clip (default 3)")
    args = parser.parse_args()
    pairs = [pair for clip in args.clips for pair in pairs_of(clip, args.pairs)]
    pairs = pairs or rendered_pairs(8)
    print(f"{torch.cuda.get_device_name()}; torch {torch.__version__}, triton {triton.__version__}")
    print(machine())
    measure_speed(pairs)
    measure_parity(pairs)


if __name__ == "__main__":
    main()
