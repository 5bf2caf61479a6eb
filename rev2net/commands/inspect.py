"""Print what a file or folder holds, as tables.

    rev2net inspect data/home                                   # a dataset: what is there of it
    rev2net inspect UCF-101/Archery/v_Archery_g01_c01.avi       # a video, decoded to its end
    rev2net inspect work/data/home-*/rgb-*/0.h5                 # a shard
    rev2net inspect work/data/home-1a2b3c4d/rgb-5e6f7a8b/0.h5 --sheet sheet.png
    rev2net inspect work/data/home-*/rgb-*.csv                  # a ledger: what is not ok
    rev2net inspect work                                        # what is done, and what is not
    rev2net inspect work/mini/runs/.../split1.seed0             # a run
    rev2net inspect work/mini/runs/.../checkpoint.pt --json     # for a program
    rev2net inspect --verify work results/mini                  # is all as it was written?

Also: shard indexes, dataset indexes, splits, scores, features, logs (metrics.jsonl), and any CSV or
JSON. --sheet draws a contact sheet: a row a video, frames beside their flow, with the ledger's
status.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="a file; the folder of a dataset, a run, a configuration",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare files, and those in folders, with the digests they were written with",
    )
    parser.add_argument(
        "--rows", type=int, metavar="N", help="rows of a table (20), or of a sheet (all), at most"
    )
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")
    parser.add_argument("--sheet", type=Path, metavar="OUT.png", help="draw a shard")
    parser.add_argument(
        "--moments", type=int, default=4, metavar="N", help="of each video of a sheet (4)"
    )


def run(args: argparse.Namespace) -> None:
    from rev2net.errors import UserError, refuse_below
    from rev2net.inspection.contents import inspect_file
    from rev2net.inspection.places import inspect_folder
    from rev2net.inspection.sheet import write_sheet
    from rev2net.inspection.verifying import verify
    from rev2net.printing import print_report, to_json

    if args.verify:
        verify(args.paths)
        return
    if len(args.paths) > 1:
        raise UserError(f"{len(args.paths)} paths: more than one is allowed with --verify only")
    (path,) = args.paths
    refuse_below(args, rows=1, moments=1)
    if args.sheet is not None:
        print(write_sheet(path, args.sheet, args.moments, args.rows))
        return
    report = inspect_folder(path) if path.is_dir() else inspect_file(path)
    if args.json:
        print(to_json(report))
    else:
        print_report(report, args.rows or 20)
