"""Compute the TV-L1 flow of one shard of a dataset's videos into an HDF5 shard of flow images.

Videos are decoded again and resized as for `rev2net stage frames`; the flow is computed from these
greyscale frames, never from stored JPEGs. Shard I of N holds the same videos as RGB shard I.

    rev2net stage flow --dataset home --index index.csv --root videos/home \\
        --shard 0 --num-shards 80 \\
        --settings '{"backend": "auto", "bound": 20, "frames": {"short_side": 256, ...}, ...}' \\
        0.h5 0.csv

--settings is `flow:` of the configuration with `frames:` inside it, as JSON or as a file.
"""

import argparse

from rev2net.commands import add_shard_arguments, make_asked_shard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net stage flow`."""
    add_shard_arguments(parser, "flow, with frames inside")


def run(args: argparse.Namespace) -> None:
    """Write one flow shard and its part of the ledger."""
    from rev2net.config import FlowShardSettings, parse_settings

    make_asked_shard(args, parse_settings(FlowShardSettings, args.settings))
