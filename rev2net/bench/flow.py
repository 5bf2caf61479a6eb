"""How fast each backend computes TV-L1 flow here, and how far it is from OpenCV's."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from rev2net.flow.tvl1 import tvl1, tvl1_sequence

Grey: TypeAlias = npt.NDArray[np.uint8]  # (H, W)
Pair: TypeAlias = tuple[Grey, Grey]

SIZES = ((320, 240), (340, 256), (640, 360))  # width, height: UCF101 as published, TSN's, Kinetics
REFERENCE = "opencv"
NOISE = 0.001  # grey levels: the yardstick's disturbance of the first frame
GPU_BATCH = 528  # pairs, enough to fill the largest GPUs several times

# Pairs of frames, rounded: all clips of UCF101 and HMDB51; Kinetics-400's 260,000 training and
# validation clips of 10 s at 25 frames per second.
DATASETS = {"UCF101": 2.5e6, "HMDB51": 0.63e6, "Kinetics-400": 65e6}


@dataclass(frozen=True)
class Result:
    """One backend at one size."""

    size: tuple[int, int]  # width, height
    backend: str
    milliseconds: float  # a pair, median; on one core, or on one GPU as part of a batch
    speedup: float  # over OpenCV on one core
    epe_mean: float  # pixels, to OpenCV's flow, over all pixels of all pairs
    epe_p99: float  # pixels
    pairs_at_once: int  # cores of this machine, or 1 for a GPU, whose batch is in `milliseconds`

    def hours(self, pairs: float) -> float:
        """How long this machine takes for so many pairs."""
        return pairs * self.milliseconds / 1000 / 3600 / self.pairs_at_once


def measure(
    pairs: list[Pair],
    size: tuple[int, int],
    backends: list[str],
    progress: Callable[[str], None],
    yardstick: bool = False,
    **parameters: Any,
) -> Iterator[Result]:
    """Time the backends on the same pairs, taking turns, and compare their flows with OpenCV's.

    `yardstick` adds OpenCV on first frames with noise of 0.001 grey levels: where flow is
    ambiguous, that alone moves it, and no backend can be asked to be closer.
    """
    pairs = [tuple(cv2.resize(frame, size) for frame in pair) for pair in pairs]  # type: ignore[misc]
    solvers: dict[str, Callable[[Grey, Grey], npt.NDArray[np.float32]]] = {}
    for backend in dict.fromkeys([REFERENCE, *backends]):
        if backend != "cuda":
            solvers[backend] = lambda *pair, backend=backend: tvl1(
                *pair, backend=backend, **parameters
            )
    if yardstick:
        solvers[f"{REFERENCE} + noise"] = lambda *pair: opencv_on_noise(*pair, **parameters)
    for name, solver in solvers.items():
        if name != REFERENCE:
            solver(*pairs[0])  # compile, load, allocate
    seconds: dict[str, list[float]] = {name: [] for name in solvers}
    flows: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in solvers}
    for number, pair in enumerate(pairs, 1):
        progress(f"{size[0]}x{size[1]}: pair {number} of {len(pairs)}")
        for name, solver in solvers.items():
            began = time.perf_counter()
            flows[name].append(solver(*pair))
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    if "cuda" in backends:
        progress(f"{size[0]}x{size[1]}: batch of pairs on the GPU")
        medians["cuda"], flows["cuda"] = _batch_on_gpu(pairs, **parameters)
    for name, median in medians.items():
        errors = _end_point_errors(flows[name], flows[REFERENCE])
        yield Result(
            size=size,
            backend=name,
            milliseconds=1000 * median,
            speedup=medians[REFERENCE] / median,
            epe_mean=float(errors.mean()),
            epe_p99=float(np.percentile(errors, 99)),
            pairs_at_once=1 if name == "cuda" else num_cores(),
        )


def opencv_on_noise(first: Grey, second: Grey, **parameters: Any) -> npt.NDArray[np.float32]:
    """OpenCV's flow with noise of 0.001 grey levels, always the same, on the first frame."""
    noise = np.random.default_rng(0).normal(0, NOISE, first.shape)
    return tvl1((first + noise) / 255, second / 255, backend=REFERENCE, **parameters)


def _batch_on_gpu(
    pairs: list[Pair], **parameters: Any
) -> tuple[float, list[npt.NDArray[np.float32]]]:
    """Seconds a pair when many are computed at once, uploads and downloads included."""
    repeats = -(-GPU_BATCH // (2 * len(pairs)))
    video = [frame for pair in pairs for frame in pair] * repeats
    flows = list(tvl1_sequence(video, backend="cuda", **parameters))  # compile, load, allocate
    began = time.perf_counter()
    flows = list(tvl1_sequence(video, backend="cuda", **parameters))
    seconds = (time.perf_counter() - began) / len(flows)
    return seconds, flows[: 2 * len(pairs) : 2]


def _end_point_errors(
    flows: list[npt.NDArray[np.float32]], reference: list[npt.NDArray[np.float32]]
) -> npt.NDArray[np.float64]:
    difference = np.asarray(flows, np.float64) - np.asarray(reference)
    return np.hypot(difference[..., 0], difference[..., 1])


def table(results: list[Result]) -> str:
    """The results as text, a line each."""
    head = f"{'size':8} {'backend':15} {'ms/pair':>8} {'x OpenCV':>9} {'EPE mean':>9} {'p99':>9}"
    lines = [head + "".join(f"{name + ' h':>15}" for name in DATASETS)]
    for result in results:
        line = (
            f"{result.size[0]}x{result.size[1]:<4} {result.backend:15} {result.milliseconds:8.2f} "
            f"{result.speedup:9.1f} {result.epe_mean:9.5f} {result.epe_p99:9.5f}"
        )
        lines.append(line + "".join(f"{result.hours(n):15.1f}" for n in DATASETS.values()))
    return "\n".join(lines)


def machine() -> str:
    """Cores and libraries, for the head of a table, behind `provenance.processor`."""
    import numba

    versions = f"OpenCV {cv2.__version__}, numba {numba.__version__}, numpy {np.__version__}"
    return f"{num_cores()} cores; {versions}"


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def rendered_pairs(count: int) -> list[Pair]:
    """Frames for a machine without videos: a panned texture, discs that cross it, sensor noise."""
    random = np.random.default_rng(0)
    width, height = 640, 360
    fine = random.random((height + 64, width + 64)).astype(np.float32)
    coarse = random.random((90, 160)).astype(np.float32)
    scene = cv2.resize(coarse, fine.shape[::-1]) + 0.3 * cv2.GaussianBlur(fine, (0, 0), 2)
    scene = np.asarray(255 * scene / scene.max(), np.float32)
    places = random.uniform((0, 0), (width, height), (6, 2))
    speeds = random.uniform(-4, 4, (6, 2))

    def frame(time: int) -> Grey:
        pan = cv2.getRectSubPix(
            scene, (width, height), (width / 2 + 32 + 0.7 * time % 32, height / 2 + 32)
        )
        for shade, (place, speed) in enumerate(zip(places, speeds, strict=True)):
            x, y = (place + speed * time) % (width, height)
            cv2.circle(pan, (int(16 * x), int(16 * y)), 16 * 40, 40.0 * shade, -1, cv2.LINE_AA, 4)
        noisy = pan + random.normal(0, 1.5, pan.shape)
        return np.asarray(noisy.clip(0, 255).round(), np.uint8)

    return [(frame(10 * k), frame(10 * k + 1)) for k in range(count)]
