"""Compute the TV-L1 flow of one shard of a dataset's videos into an HDF5 shard of flow images.

Videos are decoded again and resized as for `rev2net frames`; the flow is computed from these
greyscale frames, never from stored JPEGs. Shard I of N holds the same videos as RGB shard I.

    rev2net flow --index index/ucf101.csv --root UCF101 --shard 0 --num-shards 80 \\
        --settings '{"backend": "auto", "bound": 20, "frames": {"short_side": 256, ...}, ...}' \\
        0.h5 0.csv

--settings is `flow:` of the configuration with `frames:` inside it, as JSON or as a file.
"""

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    from rev2net.video.decoding import FrameStream
    from rev2net.video.images import ImageBytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net flow`."""
    from rev2net.commands.shard_stage import add_shard_arguments

    add_shard_arguments(parser, "flow, with frames inside")


def run(args: argparse.Namespace) -> None:
    """Write one flow shard and its part of the ledger."""
    import cv2

    from rev2net.commands.shard_stage import Stage, make_shard
    from rev2net.config import FlowShardSettings, parse_settings
    from rev2net.flow.parameters import MIN_SIDE, of_settings
    from rev2net.flow.quantize import quantize, stack_components
    from rev2net.flow.tvl1 import FLOW_VERSION, resolve_backend, tvl1_sequence
    from rev2net.shards.layout import flow_attributes
    from rev2net.video.ffmpeg import VideoError
    from rev2net.video.images import encode_image

    settings = parse_settings(FlowShardSettings, args.settings)
    backend = resolve_backend(settings.backend)
    parameters = of_settings(settings)

    def grey_frames(frames: "FrameStream") -> "Iterator[npt.NDArray[Any]]":
        for frame in frames:
            if min(frame.shape[:2]) < MIN_SIDE:
                height, width = frame.shape[:2]
                reason = f"{width}x{height} pixels; flow needs {MIN_SIDE} a side"
                raise VideoError(frames.path, reason)
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)

    def to_images(frames: "FrameStream") -> "Iterator[ImageBytes]":
        for flow in tvl1_sequence(grey_frames(frames), backend=backend, **parameters):
            image = stack_components(quantize(flow, settings.bound))
            yield encode_image(image, settings.codec, settings.quality)

    attributes = flow_attributes(settings, backend, parameters, FLOW_VERSION)
    with _device(backend):
        make_shard(args, Stage("flow", settings.frames, attributes, to_images))


def _device(backend: str) -> "contextlib.AbstractContextManager[object]":
    """A GPU of one's own where the backend needs one: jobs side by side would fill its memory."""
    if backend != "cuda":
        return contextlib.nullcontext()
    from rev2net.device import claim_device

    return claim_device()
