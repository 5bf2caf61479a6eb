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
from rev2net.bench.measuring import generated_clips
from rev2net.commands import width_and_height
from rev2net.config import FlowShardSettings, usual_frames
from rev2net.errors import refuse_below
from rev2net.flow import tvl1
from rev2net.flow.parameters import default_settings
from rev2net.flow.tvl1 import tvl1_sequence
from rev2net.models import build
from rev2net.processes import end_with_parent, num_cores
from rev2net.progress import note
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
    size = width_and_height(args.size, "--size")
    jobs = args.jobs or num_cores()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = args.clips or generated_clips(folder, count=2 * jobs, num_frames=60)
        flow = measure_flow(clips, size, jobs, folder / "flow")
        features = measure_features(clips, args.windows, folder / "features")
    print(f"{processor()}; {len(clips)} clips, pairs of {args.size}; {jobs} processes")
    print(flow, features, sep="\n")


def measure_flow(clips: list[Path], size: tuple[int, int], jobs: int, folder: Path) -> str:
    """Time the folder of clips, one core's kernel and decoding, and OpenCV in processes: a line."""
    short = {clip: list(itertools.islice(_grey(clip, size), IN_A_ROW + 1)) for clip in clips}
    list(tvl1_sequence(short[clips[0]][:2], backend="numba"))  # compile
    note("the kernel on one core")
    began = time.perf_counter()
    for frames in short.values():
        list(tvl1_sequence(frames, backend="numba"))
    kernel = (time.perf_counter() - began) / sum(len(frames) - 1 for frames in short.values())
    note("decoding")
    began = time.perf_counter()
    pairs = sum(max(0, sum(1 for _ in _grey(clip, size)) - 1) for clip in clips)
    decoding = time.perf_counter() - began
    note("the folder")
    flow = default_settings(20.0).model_dump() | {"backend": "numba"}
    files = FlowFiles(folder, FlowShardSettings(frames=usual_frames(size=size), **flow), "jpg")
    output, videos = OutputFolder(folder, files.record()), find_videos(clips)
    began = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        output.run(videos, files.done, files, jobs, "flow")
    whole = time.perf_counter() - began
    note("OpenCV in processes")
    some = [(f[k], f[k + 1]) for f in short.values() for k in range(min(OPENCV_PAIRS, len(f) - 1))]
    initial = (end_with_parent, (os.getpid(),))
    with ProcessPoolExecutor(jobs, get_context("spawn"), *initial) as pool:
        list(pool.map(_opencv, some[:jobs]))  # start, load
        began = time.perf_counter()
        list(pool.map(_opencv, some))
        opencv = (time.perf_counter() - began) / len(some)
    rate, ratio = pairs / whole, (pairs * kernel + decoding) / jobs / whole
    return (
        f"flow: {pairs} pairs, {rate:.1f} a second, {ratio:.3f} of the cores' rate (kernel "
        f"{1000 * kernel:.1f} ms a pair, decoding {decoding:.1f} s; the bar is {FLOW_BAR:g}); "
        f"{rate * opencv:.1f} x OpenCV in as many processes"
    )


def _opencv(pair: tuple[Grey, Grey]) -> None:
    cv2.setNumThreads(1)
    tvl1(*pair, backend="opencv")


def _grey(clip: Path, size: tuple[int, int]) -> Iterator[Grey]:
    for frame in iter_frames(clip, size=size):
        yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def measure_features(clips: list[Path], least: int, folder: Path) -> str:
    """Time I3D over clips, until there are so many windows, beside the bare network: a line."""
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
        note(f"features: {count} of {least} windows")
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
            break
    return (
        f"features: {count} windows of I3D, {network / whole:.3f} of the bare network's rate "
        f"({network / count:.2f} s a window; the bar is {FEATURES_BAR:g})"
    )
