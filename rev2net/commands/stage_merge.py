"""Join a dataset's shards of one kind into one index file, and their ledger parts into one ledger.

Writes FOLDER.index and FOLDER.csv beside FOLDER, which holds <i>.h5 and <i>.csv of every shard.
Stops with a list where more videos are unusable (not ok) than --max-unusable allows.

    rev2net stage merge home --kind rgb --index index.csv --num-shards 80 rgb-1a2b3c4d
"""

import argparse
from pathlib import Path

from rev2net.commands import add_max_unusable
from rev2net.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="its name in the configuration")
    parser.add_argument("--kind", required=True, choices=("rgb", "flow"))
    parser.add_argument("--index", required=True, type=Path, help="of the dataset, index.csv")
    parser.add_argument("--num-shards", required=True, type=int, metavar="N")
    add_max_unusable(parser)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of the shards")


def run(args: argparse.Namespace) -> None:
    from rev2net.datasets.index import read_columns
    from rev2net.runs.folder import ShardFolder
    from rev2net.shards.index import write_index
    from rev2net.video.ledger import read_ledger, refuse_unusable, write_ledger

    video_ids = read_columns(args.index)["video_id"]
    files = ShardFolder(args.folder)
    parts = (files.ledger_part(shard) for shard in range(args.num_shards))
    rows = [row for part in parts for row in read_ledger(part)]
    if [row.video_id for row in rows] != video_ids:
        raise UserError(
            f"{args.folder}: ledger parts of {len(rows)} videos that are not the "
            f"{len(video_ids)} of {args.index}; make the shards of this index"
        )
    stored = write_index(args.folder, args.kind, args.num_shards)
    write_ledger(files.ledger, rows)
    unusable = sum(row.status != "ok" for row in rows)
    print(
        f"{args.dataset} {args.kind}: {len(rows) - unusable} of {len(rows)} videos usable, "
        f"{stored} stored"
    )
    allowed = 1.0 if args.max_unusable is None else args.max_unusable
    refuse_unusable(args.dataset, [files.ledger], unusable, len(rows), allowed)
