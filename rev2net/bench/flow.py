"""Time the TV-L1 backends on the same pairs of frames, and compare their flow with OpenCV's.

    rev2net bench flow                               # on rendered frames
    rev2net bench flow --clips a.avi b.avi --pairs 4 # four pairs of neighbours from each clip
    rev2net bench flow --epsilon 0                   # all 1,500 iterations a level, none saved

The table has, for each size and backend, the median time of a pair on one core (for cuda: its share
of a batch on one GPU), how many times faster than OpenCV on one core that is, the end-point error
to OpenCV's flow in pixels, and the hours that this machine's cores would take for whole data sets.
--yardstick adds OpenCV against itself with noise of 0.001 grey levels on the first frame;
--profile a table of where the numba backend's time goes.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from rev2net.bench.flow_profile import profile, profile_table
from rev2net.commands import width_and_height
from rev2net.errors import UserError, refuse_below
from rev2net.flow.tvl1 import resolve_backend, tvl1, tvl1_sequence
from rev2net.processes import num_cores
from rev2net.progress import note
from rev2net.provenance import processor
from rev2net.video import iter_frames

Grey: TypeAlias = npt.NDArray[np.uint8]  # (H, W)
Pair: TypeAlias = tuple[Grey, Grey]

SIZES = "320x240 340x256 640x360"  # UCF101 as published, TSN's, Kinetics
REFERENCE = "opencv"
NOISE = 0.001  # grey levels: the yardstick's disturbance of the first frame
GPU_BATCH = 528  # pairs, enough to fill the largest GPUs several times

# Pairs of frames, rounded: all clips of UCF101 and HMDB51; Kinetics-400's 260,000 training and
# validation clips of 10 s at 25 frames per second.
DATASETS = {"UCF101": 2.5e6, "HMDB51": 0.63e6, "Kinetics-400": 65e6}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="videos to take pairs of")
    parser.add_argument(
        "--pairs", type=int, default=4, help="pairs a clip, or rendered (default 4)"
    )
    parser.add_argument(
        "--backends", nargs="+", metavar="NAME", help="numba, cuda (default: all that run here)"
    )
    parser.add_argument(
        "--sizes", nargs="+", default=SIZES.split(), metavar="WxH", help=f"default {SIZES}"
    )
    parser.add_argument("--epsilon", type=float, default=0.01, help="stopping rule (default 0.01)")
    parser.add_argument("--yardstick", action="store_true", help="OpenCV against itself, too")
    parser.add_argument("--profile", action="store_true", help="time of each numba kernel, too")


def run(args: argparse.Namespace) -> None:
    refuse_below(args, pairs=1)
    if not args.epsilon >= 0:
        raise UserError(f"--epsilon: {args.epsilon}; allowed is a number from 0")
    sizes = [width_and_height(word, "--sizes") for word in args.sizes]
    backends = args.backends or ["numba", *({resolve_backend("auto")} - {"numba"})]
    backends = [resolve_backend(backend) for backend in backends]
    pairs = rendered_pairs(args.pairs) if not args.clips else []
    for clip in args.clips:
        pairs += pairs_of(clip, args.pairs)
    results: list[Result] = []
    for size in sizes:
        results += measure(pairs, size, backends, args.yardstick, epsilon=args.epsilon)
    print(f"{processor()}, {machine()}")
    source = f"{len(args.clips)} clips" if args.clips else "rendered frames"
    print(f"{len(pairs)} pairs of {source}; epsilon {args.epsilon:g}; reference {REFERENCE}")
    print(table(results))
    if args.profile:
        for size in sizes:
            print(f"\n{size[0]}x{size[1]}")
            print(profile_table(profile(resized(pairs, size), epsilon=args.epsilon)))


def pairs_of(clip: Path, count: int) -> list[Pair]:
    """Pairs of neighbouring frames, spread over the clip."""
    frames = [np.asarray(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), np.uint8) for f in iter_frames(clip)]
    if len(frames) < 2:
        raise UserError(f"{clip}: one frame; flow needs two")
    places = np.linspace(0, len(frames) - 2, min(count, len(frames) - 1)).round().astype(int)
    return [(frames[place], frames[place + 1]) for place in places]


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
    yardstick: bool = False,
    **parameters: Any,
) -> Iterator[Result]:
    """Time the backends on the same pairs, taking turns, and compare their flows with OpenCV's.

    `yardstick` adds OpenCV on first frames with noise of 0.001 grey levels: where flow is
    ambiguous, that alone moves it, and no backend can be asked to be closer.
    """
    pairs = resized(pairs, size)
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
        note(f"{size[0]}x{size[1]}: pair {number} of {len(pairs)}")
        for name, solver in solvers.items():
            began = time.perf_counter()
            flows[name].append(solver(*pair))
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    if "cuda" in backends:
        note(f"{size[0]}x{size[1]}: batch of pairs on the GPU")
        medians["cuda"], flows["cuda"] = _batch_on_gpu(pairs, **parameters)
    for name, median in medians.items():
        errors = end_point_errors(flows[name], flows[REFERENCE])
        yield Result(
            size=size,
            backend=name,
            milliseconds=1000 * median,
            speedup=medians[REFERENCE] / median,
            epe_mean=float(errors.mean()),
            epe_p99=float(np.percentile(errors, 99)),
            pairs_at_once=1 if name == "cuda" else num_cores(),
        )


def resized(pairs: list[Pair], size: tuple[int, int]) -> list[Pair]:
    """The pairs at another width and height."""
    return [tuple(cv2.resize(frame, size) for frame in pair) for pair in pairs]  # type: ignore[misc]


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


def end_point_errors(
    flows: list[npt.NDArray[np.float32]], reference: list[npt.NDArray[np.float32]]
) -> npt.NDArray[np.float64]:
    """Of every pixel of every flow (H, W, 2), in pixels."""
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
    """Cores, libraries and the vector units they use, for the head of a table.

    `provenance.processor` names the widest unit there is; numba and OpenCV can be told to use less
    (NUMBA_CPU_NAME and NUMBA_CPU_FEATURES, OPENCV_CPU_DISABLE).
    """
    import numba
    from numba.core.registry import cpu_target

    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    ours = _widest(features.split(","), "+avx512f", "+avx2")
    theirs = _widest(cv2.getCPUFeaturesLine().replace("*", "").split(), "AVX512-SKX", "AVX2")
    versions = (
        f"OpenCV {cv2.__version__} ({theirs}), numba {numba.__version__} ({ours}, for {name}), "
        f"numpy {np.__version__}"
    )
    return f"{num_cores()} cores; {versions}"


def _widest(units: list[str], avx512: str, avx2: str) -> str:
    return "AVX-512" if avx512 in units else "AVX2" if avx2 in units else "no AVX2"


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
