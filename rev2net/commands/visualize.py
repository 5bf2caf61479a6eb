"""Draw a video's frames beside their TV-L1 flow.

    rev2net visualize clip.avi flow.png              # four moments of the clip, one below the other
    rev2net visualize clip.avi flow.mp4              # the whole clip
    rev2net visualize clip.avi flow.png --frames 8 --max-motion 5

Hue is the direction of motion, saturation the speed, white stands still; the wheel at the right
tells how many pixels per frame that is, at the size drawn. Without --max-motion the scale is a
round number that 99 % of the pixels of the chosen moments stay below.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rev2net.figures.flow_colors import Flow, Picture

SUFFIXES = (".png", ".mp4")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path, help="any video that ffmpeg can decode")
    parser.add_argument("picture", type=Path, help="what to write: .png or .mp4")
    parser.add_argument("--frames", type=int, default=4, help="moments of a .png (default 4)")
    parser.add_argument(
        "--short-side", type=int, default=256, metavar="PIXELS", help="size drawn (default 256)"
    )
    parser.add_argument("--max-motion", type=float, metavar="PIXELS", help="full saturation")
    parser.add_argument(
        "--backend", default="auto", help="auto (default), numba, opencv or cuda, as for the flow"
    )


def run(args: argparse.Namespace) -> None:
    import math
    from functools import partial

    import cv2
    import numpy as np
    from tqdm import tqdm

    from rev2net.commands import refuse_overwriting
    from rev2net.errors import UserError, refuse_below
    from rev2net.figures.contact_sheet import flow_sheet
    from rev2net.figures.flow_colors import legible_scale
    from rev2net.files import atomic_path
    from rev2net.flow.parameters import MIN_SIDE
    from rev2net.flow.tvl1 import resolve_backend
    from rev2net.video import iter_frames

    suffix = args.picture.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{args.picture}: ending {suffix!r}; allowed are {', '.join(SUFFIXES)}")
    if args.max_motion is not None and not 0 < args.max_motion < math.inf:
        raise UserError(f"--max-motion: {args.max_motion:g}; allowed is a positive number")
    refuse_below(args, frames=1, short_side=MIN_SIDE)
    refuse_overwriting(args.picture, args.video)
    backend = resolve_backend(args.backend)

    def frames() -> "Iterator[npt.NDArray[np.uint8]]":
        return iter_frames(args.video, short_side=args.short_side)

    # Minutes for a long video: seen in a terminal, gone at the end.
    progress = partial(tqdm, leave=False, disable=None)
    num_pairs = sum(1 for _ in progress(frames(), desc="counting", unit=" frames")) - 1
    if num_pairs < 1:
        raise UserError(f"{args.video}: one frame; flow needs two")
    moments = np.linspace(0, num_pairs - 1, min(args.frames, num_pairs)).round().astype(int)
    decoded = progress(frames(), desc="flow of moments", unit=" frames", total=num_pairs + 1)
    chosen = list(_flows_at(set(moments.tolist()), decoded, backend))
    speeds = np.concatenate([np.hypot(*np.moveaxis(flow, -1, 0)).ravel() for _, flow in chosen])
    max_motion = args.max_motion or legible_scale(speeds)
    with atomic_path(args.picture) as temporary:
        if suffix == ".png":
            sheet = cv2.cvtColor(flow_sheet(chosen, max_motion), cv2.COLOR_RGB2BGR)
            temporary.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())
        else:
            shown = progress(frames(), desc="flow", unit=" frames", total=num_pairs + 1)
            _write_video(temporary, shown, backend, max_motion, args.video)
    print(f"{args.picture}: {len(chosen) if suffix == '.png' else num_pairs} frames, "
          f"full saturation at {max_motion:g} pixels per frame")  # fmt: skip


def _flows_at(
    moments: set[int], frames: "Iterable[npt.NDArray[np.uint8]]", backend: str
) -> "Iterator[tuple[Picture, Flow]]":
    """The frames at these places with the flow to the next."""
    import cv2

    from rev2net.flow import tvl1

    following = iter(frames)
    previous = next(following)
    for place, frame in enumerate(following):
        if place in moments:
            grey = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (previous, frame))
            yield previous, tvl1(*grey, backend=backend)
        previous = frame


def _write_video(
    path: Path,
    frames: "Iterable[npt.NDArray[np.uint8]]",
    backend: str,
    max_motion: float,
    source: Path,
) -> None:
    """Every frame but the last with its flow, at the speed of the source, as H.264."""
    import itertools

    import cv2

    from rev2net.figures.contact_sheet import flow_sheet
    from rev2net.flow.tvl1 import tvl1_sequence
    from rev2net.video import probe
    from rev2net.video.writing import write_mp4

    shown, analysed = itertools.tee(frames)
    grey = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in analysed)
    pictures = (
        flow_sheet([pair], max_motion)
        for pair in zip(shown, tvl1_sequence(grey, backend=backend), strict=False)
    )
    write_mp4(path, pictures, probe(source).fps)
