"""Unpack a dataset's archives into its folder, once, and check what is there against the lists.

    rev2net stage extract ucf101 UCF101.rar UCF101TrainTestSplits-RecognitionTask.zip \\
        --settings '{"root": "data/ucf101", "videos": "UCF-101", ...}' --record extracted.json
    rev2net stage extract hmdb51 rars/ --settings ...

An archive may be a zip, a tar (compressed or not) or a rar; a folder stands for all archives in
it. Archives in an archive (HMDB51 is a rar of a rar a class) are unpacked too. Videos and lists go
where the settings say; an archive whose files are all in place is not opened again. Rar needs one
of unrar, 7zz, 7z, unar or bsdtar on PATH.

The record says what each archive brought and which listed videos are missing. Too many missing ones
are an error unless the settings say `partial: true`, or --max-unusable allows them.
"""

import argparse
import sys
from pathlib import Path

from rev2net.commands import add_demands, with_demands
from rev2net.config import DatasetSettings, parse_settings
from rev2net.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="its name in the configuration")
    parser.add_argument("archives", nargs="*", metavar="ARCHIVE", help="default: the settings'")
    parser.add_argument("--settings", required=True, metavar="JSON", help="datasets.<dataset>")
    add_demands(parser)
    parser.add_argument("--record", type=Path, metavar="OUT.json", help="what was found")


def run(args: argparse.Namespace) -> None:
    import json
    from dataclasses import asdict

    from rev2net.datasets.archives import archive_files, unpack_archives
    from rev2net.datasets.download import downloaded_archives
    from rev2net.datasets.index import build_index
    from rev2net.files import write_text

    settings = with_demands(parse_settings(DatasetSettings, args.settings), args)
    entries = args.archives or settings.archives
    if settings.download and not entries:
        entries = downloaded_archives(args.dataset, settings)
    if not entries:
        raise UserError(f"datasets.{args.dataset}.archives: none given; name the files to unpack")
    receipts = []
    for receipt in unpack_archives(settings, archive_files(args.dataset, entries)):
        print(f"{receipt.archive}: {len(receipt.files)} files in {settings.root}", flush=True)
        if receipt.left_out:
            print(
                f"warning: {receipt.archive}: {len(receipt.left_out)} files are no videos or lists,"
                f" or second copies, and were left out (first: {receipt.left_out[0]})",
                file=sys.stderr,
            )
        receipts.append(receipt)

    index = build_index(args.dataset, settings)
    root = Path(settings.root)
    videos = zip(index.table["video_id"], index.table["path"], strict=True)
    missing = [video_id for video_id, path in videos if not (root / path).is_file()]
    for warning in index.warnings:
        print(f"warning: {args.dataset}: {warning}", file=sys.stderr)
    print(index.summary)
    record = {
        "dataset": args.dataset,
        "root": settings.root,
        "archives": [asdict(receipt) | {"files": len(receipt.files)} for receipt in receipts],
        "listed": len(index.table),
        "present": len(index.table) - len(missing),
        "missing": missing,
        "warnings": index.warnings,
    }
    if args.record is not None:
        write_text(args.record, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
