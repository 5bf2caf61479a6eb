"""Add the scores of several streams with weights: the two-stream rows of the tables.

Each stream is FILE:WEIGHT (the last colon counts, so a path may hold others). All files must
score the same videos and classes, in any order of videos, in the same space (logits or
probabilities) and with the same initialisation, adaptation and seed; otherwise the two files and
their difference are named. TSN's published weights, for example:

    rev2net fuse fused.h5 rgb/scores-test.h5:1 flow/scores-test.h5:1.5
"""

import argparse
from pathlib import Path

from rev2net.commands import refuse_overwriting
from rev2net.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT.h5", help="the scores file to write")
    parser.add_argument("streams", metavar="FILE:WEIGHT", nargs="+", help="a stream's scores")


def run(args: argparse.Namespace) -> None:
    from rev2net.evaluation.fusion import fuse
    from rev2net.runs.scores import read_scores, write_scores

    names, weights = zip(*map(_stream, args.streams), strict=True)
    refuse_overwriting(Path(args.out), *map(Path, names))
    write_scores(args.out, fuse([read_scores(name) for name in names], weights, names))


def _stream(text: str) -> tuple[str, float]:
    """`FILE:WEIGHT` as its two parts."""
    name, _, weight = text.rpartition(":")
    try:
        return name, float(weight)
    except ValueError:
        raise UserError(f"{text}: FILE:WEIGHT expected, for example scores-test.h5:1.5") from None
