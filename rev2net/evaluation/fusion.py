"""Two-stream fusion: the weighted sum of the scores of several streams on the same videos."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from rev2net.errors import UserError
from rev2net.runs.scores import Scores, disagreement

# Streams may differ in method (Rev2Net on RGB with I3D on flow), input, protocol and weights.
SHARED = (
    *("benchmark", "configuration", "split", "split_digest", "part", "videos_expected"),
    *("init", "adapt", "seed", "class_map", "space"),
)


def fuse(streams: Sequence[Scores], weights: Sequence[float], names: Sequence[str]) -> Scores:
    """The sum of weight x scores, in the first stream's order of videos and under its method.

    The inputs are joined (`rgb+flow`), `protocol` tells what was fused with which weight, and
    `checkpoint` lists those of all streams. `names` are the streams' files, for messages.
    Raises UserError, naming two files and their difference, where the streams differ in videos,
    classes or any attribute of `SHARED`, and for a weight that is negative or not finite.
    """
    if len(streams) < 2:
        raise UserError(f"{len(streams)} scores file given, fusion takes at least two")
    for weight, name in zip(weights, names, strict=True):
        if not (math.isfinite(weight) and weight >= 0):
            raise UserError(f"{name}: weight is {weight:g}, a number from 0 up is allowed")
    if not any(weights):
        raise UserError("all weights are 0, at least one must be positive")
    first = streams[0]
    for stream, name in zip(streams[1:], names[1:], strict=True):
        difference = disagreement(first, stream, SHARED)
        if difference:
            raise UserError(f"{names[0]} and {name} cannot be fused: {difference}")

    total = np.zeros(first.scores.shape)
    for stream, weight in zip(streams, weights, strict=True):
        row_of = {video: row for row, video in enumerate(stream.video_id)}
        total += weight * stream.scores[[row_of[video] for video in first.video_id]]
    terms = (
        f"{weight:g} x {stream.method} {stream.input}"
        for stream, weight in zip(streams, weights, strict=True)
    )
    protocols = _distinct(stream.protocol for stream in streams)
    return replace(
        first,
        scores=total.astype(np.float32),
        input="+".join(_distinct(stream.input for stream in streams)),
        protocol=f"{' | '.join(protocols)}; fused {' + '.join(terms)}",
        checkpoint=",".join(stream.checkpoint for stream in streams),
        settings=",".join(
            f"{weight:g}*{stream.settings}" for weight, stream in zip(weights, streams, strict=True)
        ),
        commit=",".join(_distinct(word for stream in streams for word in stream.commit.split(","))),
    )


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
