"""Decode one shard of a dataset's videos into an HDF5 shard of encoded RGB frames.

Shard I of N holds the rows I*len/N to (I+1)*len/N of the index. A video that is absent or damaged
leaves a row in the ledger and never stops the shard.

    rev2net stage frames --dataset home --index index.csv --root videos/home \\
        --shard 0 --num-shards 80 --settings \\
        '{"short_side": 256, "size": null, "fps": null, "codec": "jpeg", ...}' 0.h5 0.csv

--settings is `frames:` of the configuration, as JSON or as a file.
"""

import argparse

from rev2net.commands import add_shard_arguments, make_asked_shard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net stage frames`."""
    add_shard_arguments(parser, "frames")


def run(args: argparse.Namespace) -> None:
    """Write one RGB shard and its part of the ledger."""
    from rev2net.config import FramesSettings, parse_settings

    make_asked_shard(args, parse_settings(FramesSettings, args.settings))
