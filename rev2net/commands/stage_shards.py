"""Turn one shard of a dataset's videos into an HDF5 shard of images: frames, or flow.

`frames` stores encoded RGB frames. `flow` decodes and resizes the videos as `frames` does, and
stores the TV-L1 flow of these greyscale frames, never of stored JPEGs. Shard I of N holds the rows
I*len/N to (I+1)*len/N of the index, of either kind. A video that is absent or damaged leaves a row
in the ledger and never stops the shard.

    rev2net stage frames --dataset home --index index.csv --root videos/home \\
        --shard 0 --num-shards 80 --settings \\
        '{"short_side": 256, "size": null, "fps": null, "codec": "jpeg", ...}' 0.h5 0.csv
    rev2net stage flow --dataset home --index index.csv --root videos/home \\
        --shard 0 --num-shards 80 --settings \\
        '{"backend": "auto", "bound": 20, "frames": {"short_side": 256, ...}, ...}' 0.h5 0.csv

--settings is `frames:` of the configuration, or `flow:` with `frames:` inside it, as JSON or as a
file.
"""

import argparse
from pathlib import Path

from rev2net.commands import refuse_overwriting
from rev2net.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--index", required=True, type=Path, help="of the dataset, index.csv")
    parser.add_argument("--dataset", required=True, help="its name, which the shard keeps")
    parser.add_argument("--root", required=True, type=Path, help="the dataset's root folder")
    parser.add_argument("--shard", required=True, type=int, metavar="I", help="from 0")
    parser.add_argument("--num-shards", required=True, type=int, metavar="N")
    parser.add_argument("--settings", required=True, metavar="JSON", help="how images are made")
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help="in place of the settings' time_limit"
    )
    parser.add_argument("output", type=Path, metavar="OUT.h5", help="the shard")
    parser.add_argument("ledger", type=Path, metavar="LEDGER.csv", help="its part of the ledger")


def run(args: argparse.Namespace) -> None:
    from rev2net.config import FlowShardSettings, FramesSettings, parse_settings
    from rev2net.shards.make import make_shard

    limit = args.time_limit
    if limit is not None and not limit > 0:
        raise UserError(f"--time-limit: {limit:g}; allowed is a number of seconds above 0")
    limits = {} if limit is None else {"time_limit": limit}
    settings: FramesSettings | FlowShardSettings
    if args.command == "frames":
        settings = parse_settings(FramesSettings, args.settings).model_copy(update=limits)
    else:
        flow = parse_settings(FlowShardSettings, args.settings)
        settings = flow.model_copy(update={"frames": flow.frames.model_copy(update=limits)})
    refuse_overwriting(args.output, args.index, args.ledger)
    refuse_overwriting(args.ledger, args.index)
    shard = args.dataset, args.index, args.root, args.shard, args.num_shards
    print(make_shard(settings, *shard, args.output, args.ledger))
