"""Turn a benchmark's protocol into the parts of one split, with counts and checks.

Reads the index and the ledgers of every dataset of the benchmark. Writes a CSV row a usable video
(video_id, dataset, label, group, part) and a JSON with class names, counts expected and usable,
the checks (duplicates, source groups on both sides, classes without videos), videos of one content,
and notes for the tables.

    rev2net stage splits home-away --split 1 --settings settings.json
        --index home=home/index.csv --index away=away/index.csv
        --ledger home=home/rgb.csv --ledger home=home/flow.csv
        --ledger away=away/rgb.csv --ledger away=away/flow.csv split1.csv split1.json

A video is usable if it is ok in every ledger of its dataset: one a kind of images that some run on
the benchmark reads. Where more are unusable than --max-unusable allows, it stops with a list.

--settings is one entry of `benchmarks:` in the configuration, as JSON or as a file.
"""

import argparse
import sys
from pathlib import Path

from rev2net.commands import fraction, of_dataset
from rev2net.config import Benchmark, parse_settings
from rev2net.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("benchmark", help="its name in the configuration")
    parser.add_argument("--split", type=int, required=True)
    parser.add_argument("--settings", required=True, metavar="JSON", help="benchmarks.<benchmark>")
    for name, often in (("index", "dataset"), ("ledger", "dataset and kind")):
        parser.add_argument(
            f"--{name}",
            action="append",
            required=True,
            type=of_dataset(Path),
            metavar="DATASET=CSV",
            help=f"the {name} of a dataset; once a {often} of the benchmark",
        )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        type=of_dataset(str),
        metavar="DATASET=NAME",
        help="the column of a dataset in the class map (default: its name)",
    )
    parser.add_argument(
        "--max-unusable",
        action="append",
        default=[],
        type=of_dataset(fraction),
        metavar="DATASET=FRACTION",
        help="of its videos that may be unusable (1)",
    )
    parser.add_argument("output_csv", type=Path, metavar="OUT.csv")
    parser.add_argument("output_json", type=Path, metavar="OUT.json")


def run(args: argparse.Namespace) -> None:
    import json

    from rev2net.datasets.index import read_index
    from rev2net.datasets.splits import build_split
    from rev2net.digests import write_text
    from rev2net.video.ledger import contents, refuse_unusable, usable_videos

    settings = parse_settings(Benchmark, args.settings).root
    datasets = settings.datasets
    index_files, allowed = dict(args.index), dict(args.max_unusable)
    ledgers: dict[str, list[Path]] = {}
    for dataset, path in args.ledger:
        ledgers.setdefault(dataset, []).append(path)
    for dataset in datasets:
        for option, given in (("--index", index_files), ("--ledger", ledgers)):
            if dataset not in given:
                raise UserError(f"{option} {dataset}=CSV is missing: {args.benchmark} needs it")
    indexes = {dataset: read_index(index_files[dataset]) for dataset in datasets}
    usable = {
        dataset: usable_videos(ledgers[dataset], index["video_id"])
        for dataset, index in indexes.items()
    }
    shown = {dataset: contents(ledgers[dataset]) for dataset in datasets}

    for dataset, index in indexes.items():
        unusable = len(index) - len(usable[dataset])
        of_dataset = (dataset, ledgers[dataset], unusable, len(index))
        refuse_unusable(*of_dataset, allowed.get(dataset, 1.0))
    columns = dict(args.column)
    split = build_split(args.benchmark, args.split, settings, indexes, usable, shown, columns)
    # The JSON last: where both exist, they belong together.
    write_text(args.output_csv, split.csv)
    write_text(args.output_json, json.dumps(split.summary, indent=1, ensure_ascii=False) + "\n")
    where = f"{args.benchmark} split {args.split}"
    for warning in split.warnings:
        print(f"warning: {where}: {warning}", file=sys.stderr)
    counts = "; ".join(
        f"{part} {counts['usable']} of {counts['expected']} videos in {counts['groups']} groups"
        for part, counts in split.summary["parts"].items()
    )
    print(f"{where}: {len(split.summary['class_names'])} classes; {counts}")
