"""Measure how fast this machine does one stage, beside a named baseline.

    rev2net bench flow       TV-L1 flow, beside OpenCV on one core
    rev2net bench decode     videos into shards, beside bare ffmpeg and cv2.imencode
    rev2net bench load       shards into crops, beside bare cv2.imdecode
    rev2net bench train      the training loop beside a bare step, Rev2Net beside I3D
    rev2net bench videos     flow and features of whole videos, beside the work that is in them

Each stage prints one table; progress goes to the error stream. `rev2net bench flow --help` says
what can be asked of one.
"""

import argparse
import importlib

STAGES = ("flow", "decode", "load", "train", "videos")  # each a module of rev2net.bench


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("options", nargs=argparse.REMAINDER, help="of the stage")


def run(args: argparse.Namespace) -> None:
    stage = importlib.import_module(f"rev2net.bench.{args.stage}")
    parser = argparse.ArgumentParser(
        prog=f"rev2net bench {args.stage}",
        description=stage.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stage.add_arguments(parser)
    stage.run(parser.parse_args(args.options))
