"""Decode one shard of a dataset's videos into an HDF5 shard of encoded RGB frames.

Shard I of N holds the rows I*len/N to (I+1)*len/N of the index. A video that is absent or damaged
leaves a row in the ledger and never stops the shard.

    rev2net frames --index index/ucf101.csv --root UCF101 --shard 0 --num-shards 80 \\
        --settings '{"short_side": 256, "size": null, "fps": null, "codec": "jpeg", ...}' 0.h5 0.csv

--settings is `frames:` of the configuration, as JSON or as a file.
"""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rev2net.video.decoding import FrameStream
    from rev2net.video.images import ImageBytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net frames`."""
    from rev2net.commands.shard_stage import add_shard_arguments

    add_shard_arguments(parser, "frames")


def run(args: argparse.Namespace) -> None:
    """Write one RGB shard and its part of the ledger."""
    from rev2net.commands.shard_stage import Stage, make_shard
    from rev2net.config import FramesSettings, parse_settings
    from rev2net.shards.layout import rgb_attributes

    settings = parse_settings(FramesSettings, args.settings)

    def to_images(frames: "FrameStream") -> "Iterator[ImageBytes]":
        return frames.encoded(settings.codec, settings.quality)

    make_shard(args, Stage("rgb", settings, rgb_attributes(settings), to_images))
