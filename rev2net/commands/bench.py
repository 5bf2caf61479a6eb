"""Measure how fast this machine does one stage, beside a named baseline.

    rev2net bench flow --help

Each stage prints one table; progress goes to the error stream.
"""

import argparse
import importlib

STAGES = {  # each in its own module, rev2net.commands.bench_<stage>
    "flow": "TV-L1 flow, beside OpenCV on one core",
    "decode": "videos into shards, beside bare ffmpeg and cv2.imencode",
    "load": "shards into crops, beside bare cv2.imdecode",
    "train": "the training loop beside a bare step, Rev2Net beside I3D",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stages and their arguments."""
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    for stage, summary in STAGES.items():
        module = importlib.import_module(f"rev2net.commands.bench_{stage}")
        subparser = stages.add_parser(
            stage,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run_stage=module.run)


def run(args: argparse.Namespace) -> None:
    """Measure the stage that was asked for."""
    args.run_stage(args)
