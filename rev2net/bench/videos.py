"""Time `rev2net flow` and `rev2net features` on whole videos, beside the work that is in them.

    rev2net bench videos                              # on generated clips
    rev2net bench videos --clips a.avi b.mp4 --jobs 2

Flow: the time of the whole folder in --jobs processes beside what these cores would need for the
same pairs at the rate of one core's kernel, and for decoding; and beside OpenCV's DualTVL1 in as
many processes. Features: the time of the whole beside that of the bare network on as many windows.
"""

import argparse
import contextlib
import io
import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from rev2net.apply.features import POOLED, FeatureFiles
from rev2net.apply.flow import FlowFiles
from rev2net.apply.inputs import find_videos
from rev2net.apply.output import OutputFolder
from rev2net.apply.subject import of_weights
from rev2net.apply.windows import Windows
from rev2net.bench.measuring import generated_clips, progress
from rev2net.config import FlowShardSettings, FramesSettings
from rev2net.errors import refuse_below
from rev2net.flow import tvl1
from rev2net.flow.parameters import default_settings
from rev2net.flow.tvl1 import tvl1_sequence
from rev2net.models import build
from rev2net.processes import end_with_parent, num_cores
from rev2net.provenance import processor
from rev2net.video import iter_frames

FLOW_BAR = 0.95  # of the cores' rate
FEATURES_BAR = 0.9  # of the bare network's rate
IN_A_ROW = 6  # pairs that the kernel's rate is measured on, of each clip
OPENCV_PAIRS = 2  # of each clip

Grey = npt.NDArray[np.uint8]  # (H, W)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="videos of your own")
    parser.add_argument("--jobs", type=int, help="processes (one a core)")
    parser.add_argument("--size", default="340x256", metavar="WxH", help="of the flow (340x256)")
    parser.add_argument("--windows", type=int, default=6, help="of 64 frames, features (6)")


def run(args: argparse.Namespace) -> None:
    refuse_below(args, jobs=1, windows=1)
    width, height = map(int, args.size.split("x"))
    jobs = args.jobs or num_cores()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = args.clips or generated_clips(folder, count=2 * jobs, num_frames=60)
        flow = measure_flow(clips, (width, height), jobs, folder / "flow")
        features = measure_features(clips, args.windows, folder / "features")
    print(f"{processor()}; {len(clips)} clips, {flow.pairs} pairs of {args.size}; {jobs} processes")
    print(flow)
    print(features)


@dataclass(frozen=True)
class FlowSpeed:
    """Seconds by the clock."""

    pairs: int
    jobs: int
    whole: float  # the folder
    kernel: float  # a pair, on one core
    decoding: float  # all clips, on one core
    opencv: float  # a pair, with all processes busy

    @property
    def ratio(self) -> float:
        """The rate of the whole over that of its work on as many cores."""
        return (self.pairs * self.kernel + self.decoding) / self.jobs / self.whole

    def __str__(self) -> str:
        rate = self.pairs / self.whole
        return (
            f"flow: {rate:.1f} pairs/s, {self.ratio:.3f} of the cores' rate (kernel "
            f"{1000 * self.kernel:.1f} ms a pair, decoding {self.decoding:.1f} s; the bar is "
            f"{FLOW_BAR:g}); {rate * self.opencv:.1f} x OpenCV in as many processes"
        )


def measure_flow(clips: list[Path], size: tuple[int, int], jobs: int, folder: Path) -> FlowSpeed:
    """Time the folder of clips, one core's kernel and decoding, and OpenCV in processes."""
    short = {clip: list(itertools.islice(_grey(clip, size), IN_A_ROW + 1)) for clip in clips}
    list(tvl1_sequence(short[clips[0]][:2], backend="numba"))  # compile
    progress("the kernel on one core")
    began = time.perf_counter()
    for frames in short.values():
        list(tvl1_sequence(frames, backend="numba"))
    kernel = (time.perf_counter() - began) / sum(len(frames) - 1 for frames in short.values())
    progress("decoding")
    began = time.perf_counter()
    pairs = sum(max(0, sum(1 for _ in _grey(clip, size)) - 1) for clip in clips)
    decoding = time.perf_counter() - began
    progress("the folder")
    frames_settings = FramesSettings(
        short_side=None, size=size, fps=None, codec="jpeg", quality=95, time_limit=86400.0
    )
    flow = default_settings(20.0).model_dump() | {"backend": "numba"}
    files = FlowFiles(folder, FlowShardSettings(frames=frames_settings, **flow), "jpg")
    began = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        OutputFolder(folder, files.record()).run(
            find_videos(clips), files.done, files, jobs, "flow"
        )
    whole = time.perf_counter() - began
    progress("OpenCV in processes")
    some = [(f[k], f[k + 1]) for f in short.values() for k in range(min(OPENCV_PAIRS, len(f) - 1))]
    initial = (end_with_parent, (os.getpid(),))
    with ProcessPoolExecutor(jobs, get_context("spawn"), *initial) as pool:
        list(pool.map(_opencv, some[:jobs]))  # start, load
        began = time.perf_counter()
        list(pool.map(_opencv, some))
        opencv = (time.perf_counter() - began) / len(some)
    return FlowSpeed(pairs, jobs, whole, kernel, decoding, opencv)


def _opencv(pair: tuple[Grey, Grey]) -> None:
    cv2.setNumThreads(1)
    tvl1(*pair, backend="opencv")


def _grey(clip: Path, size: tuple[int, int]) -> Iterator[Grey]:
    for frame in iter_frames(clip, size=size):
        yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


@dataclass(frozen=True)
class FeatureSpeed:
    """Seconds by the clock."""

    windows: int
    whole: float
    network: float

    def __str__(self) -> str:
        return (
            f"features: {self.windows} windows of I3D, {self.network / self.whole:.3f} of the bare "
            f"network's rate ({self.network / self.windows:.2f} s a window; the bar is "
            f"{FEATURES_BAR:g})"
        )


def measure_features(clips: list[Path], least: int, folder: Path) -> FeatureSpeed:
    """Time I3D over clips, until there are so many windows, beside the bare network."""
    folder.mkdir()
    torch.manual_seed(0)
    torch.save(build("i3d", 5).state_dict(), folder / "weights.pt")
    subject = of_weights("i3d", folder / "weights.pt")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    subject.network.to(device)
    files = FeatureFiles(folder / "out", Windows(subject, 64, 64, device), POOLED)
    # Values as of frames, laid out as clips are: of zeros alone the network is faster.
    x = torch.rand(1, 64, 224, 224, 3, device=device).permute(0, 4, 1, 2, 3) * 2 - 1
    network = whole = 0.0
    count = 0
    for video in itertools.cycle(find_videos(clips)):
        progress(f"features: {count} of {least} windows")
        began = time.perf_counter()
        found = files(video).results
        whole += time.perf_counter() - began
        began = time.perf_counter()
        with torch.inference_mode():
            for _ in range(found):
                subject.network.forward_train(x, decode_first=0)["features"].cpu()  # type: ignore[union-attr]
        network += time.perf_counter() - began
        count += found
        if count >= least:
            return FeatureSpeed(count, whole, network)
    raise AssertionError
