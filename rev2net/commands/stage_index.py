"""List a dataset's videos with class, label, source group and official splits.

Reads the folder as published and its official lists, and writes one CSV row a listed video,
whether its file is present or not. Odd but harmless findings are printed as warnings.

    rev2net stage index home --settings '{"root": "videos/home", ...}' index.csv

--settings is one entry of `datasets:` in the configuration, as JSON or as a file.
"""

import argparse
import sys
from pathlib import Path

from rev2net.commands import add_demands, with_demands
from rev2net.config import DatasetSettings, parse_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="its name in the configuration")
    parser.add_argument("--settings", required=True, metavar="JSON", help="datasets.<dataset>")
    parser.add_argument("--root", help="the dataset's folder, in place of the settings' `root`")
    add_demands(parser)
    parser.add_argument("output", type=Path, metavar="OUT.csv")


def run(args: argparse.Namespace) -> None:
    from rev2net.datasets.index import build_index
    from rev2net.digests import write_text

    settings = parse_settings(DatasetSettings, args.settings)
    if args.root is not None:
        settings = settings.model_copy(update={"root": args.root})
    index = build_index(args.dataset, with_demands(settings, args))
    write_text(args.output, index.table.to_csv(index=False, lineterminator="\n"))
    for warning in index.warnings:
        print(f"warning: {args.dataset}: {warning}", file=sys.stderr)
    print(index.summary)
