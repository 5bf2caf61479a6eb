"""Print what a file or folder holds, as tables.

    rev2net inspect data/ucf101                                 # a dataset: what is there of it
    rev2net inspect UCF-101/Archery/v_Archery_g01_c01.avi       # a video, decoded to its end
    rev2net inspect work/mini/shards/ucf101/rgb/0.h5            # a shard
    rev2net inspect work/mini/shards/ucf101/rgb/0.h5 --sheet sheet.png
    rev2net inspect work/mini/shards/ucf101/ledger.csv          # counts, and what is not ok
    rev2net inspect work                                        # what is done, and what is not
    rev2net inspect work/mini/runs/.../split1.seed0             # a run
    rev2net inspect work/mini/runs/.../checkpoint.pt --json     # for a program
    rev2net inspect --verify work/mini results/mini             # is all as it was written?

Also: shard indexes, dataset indexes, splits, scores, features, logs (metrics.jsonl), and any CSV or
JSON. --sheet draws a contact sheet: a row a video, frames beside their flow, with the ledger's
status.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rev2net.errors import UserError

if TYPE_CHECKING:
    from rev2net.inspection.report import Report

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
TORCH_SUFFIXES = (".pt", ".pth", ".pth.tar", ".pt.tar", ".ckpt")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net inspect`."""
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
    """Print the tables of one path, or draw its sheet."""
    from rev2net.commands.inspect_verify import verify
    from rev2net.inspection.report import print_report, to_json

    if args.verify:
        verify(args.paths)
        return
    if len(args.paths) > 1:
        raise UserError(f"{len(args.paths)} paths: more than one is allowed with --verify only")
    (path,) = args.paths
    for name in ("rows", "moments"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UserError(f"--{name}: {value}; allowed is a whole number from 1")
    if args.sheet is not None:
        from rev2net.inspection.sheet import write_sheet

        print(write_sheet(path, args.sheet, args.moments, args.rows))
        return
    report = _inspect(path)
    if args.json:
        print(to_json(report))
    else:
        print_report(report, args.rows or 20)


def _inspect(path: Path) -> "Report":
    """What a path holds, by its first bytes or its ending; anything else is taken for a video."""
    if path.is_dir():
        from rev2net.inspection.dataset import inspect_dataset
        from rev2net.inspection.work import inspect_run, inspect_work, is_run, work_folders

        if is_run(path):
            return inspect_run(path)
        folders = work_folders(path)
        return inspect_work(folders) if folders else inspect_dataset(path)
    try:
        with open(path, "rb") as file:
            start = file.read(len(HDF5_SIGNATURE))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    if not start and path.is_file():
        raise UserError(f"{path}: an empty file")
    name, suffix = path.name.lower(), path.suffix.lower()
    if start == HDF5_SIGNATURE:
        from rev2net.inspection.hdf5 import inspect_hdf5

        return inspect_hdf5(path)
    if name.endswith(TORCH_SUFFIXES):
        from rev2net.inspection.checkpoint import inspect_checkpoint

        return inspect_checkpoint(path)
    if suffix in (".csv", ".json", ".jsonl"):
        from rev2net.inspection import text

        readers = {
            ".csv": text.inspect_csv,
            ".json": text.inspect_json,
            ".jsonl": text.inspect_json_lines,
        }
        return readers[suffix](path)
    from rev2net.inspection.video import inspect_video

    return inspect_video(path)
