"""Time the TV-L1 backends on the same pairs of frames, and compare their flow with OpenCV's.

    rev2net bench flow                               # on rendered frames
    rev2net bench flow --clips a.avi b.avi --pairs 4 # four pairs of neighbours from each clip
    rev2net bench flow --epsilon 0                   # all 1,500 iterations a level, none saved

The table has, for each size and backend, the median time of a pair on one core (for cuda: its share
of a batch on one GPU), how many times faster than OpenCV on one core that is, the end-point error
to OpenCV's flow in pixels, and the hours that this machine's cores would take for whole data sets.
--yardstick adds OpenCV against itself with noise of 0.001 grey levels on the first frame.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rev2net.bench.flow import Pair, Result

SIZES = "320x240 340x256 640x360"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net bench flow`."""
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


def run(args: argparse.Namespace) -> None:
    """Measure and print the table."""
    from rev2net.bench.flow import REFERENCE, machine, measure, rendered_pairs, table
    from rev2net.errors import UserError
    from rev2net.flow.tvl1 import resolve_backend
    from rev2net.provenance import processor

    if args.pairs < 1:
        raise UserError(f"--pairs: {args.pairs}; allowed is a whole number from 1")
    if not args.epsilon >= 0:
        raise UserError(f"--epsilon: {args.epsilon}; allowed is a number from 0")
    sizes = [_size(text) for text in args.sizes]
    backends = args.backends or ["numba", *({resolve_backend("auto")} - {"numba"})]
    backends = [resolve_backend(backend) for backend in backends]
    pairs = rendered_pairs(args.pairs) if not args.clips else []
    for clip in args.clips:
        pairs += pairs_of(clip, args.pairs)
    results: list[Result] = []
    for size in sizes:
        results += measure(pairs, size, backends, _progress, args.yardstick, epsilon=args.epsilon)
    print(f"{processor()}, {machine()}")
    source = f"{len(args.clips)} clips" if args.clips else "rendered frames"
    print(f"{len(pairs)} pairs of {source}; epsilon {args.epsilon:g}; reference {REFERENCE}")
    print(table(results))


def _size(text: str) -> tuple[int, int]:
    from rev2net.errors import UserError
    from rev2net.flow.parameters import MIN_SIDE

    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()) or min(int(width), int(height)) < MIN_SIDE:
        raise UserError(f"--sizes: {text!r}; allowed is WIDTHxHEIGHT, at least {MIN_SIDE} each")
    return int(width), int(height)


def pairs_of(clip: Path, count: int) -> "list[Pair]":
    """Pairs of neighbouring frames, spread over the clip."""
    import cv2
    import numpy as np

    from rev2net.errors import UserError
    from rev2net.video import iter_frames

    frames = [np.asarray(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), np.uint8) for f in iter_frames(clip)]
    if len(frames) < 2:
        raise UserError(f"{clip}: one frame; flow needs two")
    places = np.linspace(0, len(frames) - 2, min(count, len(frames) - 1)).round().astype(int)
    return [(frames[place], frames[place + 1]) for place in places]


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
