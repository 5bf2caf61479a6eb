"""Join a dataset's shards into one index file a kind, and its ledger parts into one ledger.

Writes rgb.index, flow.index and ledger.csv into the dataset's shard folder, which holds rgb/<i>.h5,
rgb/<i>.csv, flow/<i>.h5 and flow/<i>.csv. Stops with a list where more videos are unusable (not ok
in both kinds) than max_unusable_fraction allows; `partial: true` lifts that.

    rev2net stage merge ucf101 --folder shards/ucf101 --index index/ucf101.csv \\
        --settings '{"shards": 80, "partial": false, "max_unusable_fraction": 0.05, ...}'

--settings is one entry of `datasets:` in the configuration, as JSON or as a file.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rev2net.config import DatasetSettings, parse_settings
from rev2net.errors import UserError

if TYPE_CHECKING:
    from rev2net.video.ledger import LedgerRow

LISTED = 20  # unusable videos that are named where there are too many


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net stage merge`."""
    parser.add_argument("dataset", help="its name in the configuration")
    parser.add_argument("--folder", required=True, type=Path, help="shards/<dataset>")
    parser.add_argument("--index", required=True, type=Path, help="index/<dataset>.csv")
    parser.add_argument("--settings", required=True, metavar="JSON", help="datasets.<dataset>")


def run(args: argparse.Namespace) -> None:
    """Write both indexes and the ledger, and print what is usable."""
    from rev2net.datasets.index import read_index
    from rev2net.runs.folder import ShardFolder
    from rev2net.shards.index import write_index
    from rev2net.shards.layout import KINDS
    from rev2net.video.ledger import read_ledger, write_ledger

    settings = parse_settings(DatasetSettings, args.settings)
    video_ids = list(read_index(args.index)["video_id"])
    files = ShardFolder(args.folder)
    rows, unread = [], []
    for kind in KINDS:
        parts = [files.ledger_part(kind, shard) for shard in range(settings.shards)]
        ledgers = {part: read_ledger(part) for part in parts}
        of_kind = [row for ledger in ledgers.values() for row in ledger]
        unread += [p for p, ledger in ledgers.items() if any(row.status != "ok" for row in ledger)]
        if [row.video_id for row in of_kind] != video_ids:
            raise UserError(
                f"{args.folder / kind}: ledger parts of {len(of_kind)} videos that are not the "
                f"{len(video_ids)} of {args.index}; make the shards of this index"
            )
        rows += of_kind
    stored = {kind: write_index(args.folder, kind, settings.shards) for kind in KINDS}
    write_ledger(files.ledger, rows)
    unusable = {row.video_id: row for row in rows if row.status != "ok"}
    usable = len(video_ids) - len(unusable)
    print(
        f"{args.dataset}: {usable} of {len(video_ids)} videos usable; "
        + ", ".join(f"{stored[kind]} stored as {kind}" for kind in KINDS)
    )
    if not settings.partial and len(unusable) > settings.max_unusable_fraction * len(video_ids):
        _print_unusable(list(unusable.values()))
        raise UserError(
            f"{args.folder}: {len(unusable)} of {len(video_ids)} videos are unusable; allowed is a "
            f"fraction of {settings.max_unusable_fraction:g} (datasets.{args.dataset}: "
            f"max_unusable_fraction), or any with partial: true; where the videos above can be put "
            f"right, do so, delete {_listed(unread)} and give the same command again"
        )


def _listed(paths: list[Path]) -> str:
    more = len(paths) - LISTED
    return ", ".join(map(str, paths[:LISTED])) + (f" (and {more} more)" if more > 0 else "")


def _print_unusable(rows: "list[LedgerRow]") -> None:
    for row in rows[:LISTED]:
        print(f"  {row.status}: {row.video_id}: {row.message}")
    if len(rows) > LISTED:
        print(f"  and {len(rows) - LISTED} more, in the ledger parts <kind>/<shard>.csv")
