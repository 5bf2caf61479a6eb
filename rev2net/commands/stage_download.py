"""Fetch a dataset's archives from its own site: resumed where it stopped, size and SHA-256 checked.

    rev2net stage download ucf101 --to downloads/ucf101
    rev2net stage download hmdb51 --settings '{"sources": [{"url": ...}], ...}'

UCF101 and HMDB51 are offered as files; Kinetics is not. With --settings (`datasets.<dataset>` of
the configuration) its `sources` are fetched where it has some, into `<root>/downloads` unless --to
is given. `received.json` beside the files keeps their SHA-256, which later downloads have to match.
Please read the datasets' terms of use on their pages first.
"""

import argparse
from pathlib import Path

from rev2net.config import DatasetSettings, parse_settings
from rev2net.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="its name in the configuration")
    parser.add_argument("--to", type=Path, metavar="FOLDER")
    parser.add_argument("--settings", metavar="JSON", help="datasets.<dataset>")
    parser.add_argument("--record", type=Path, metavar="OUT.json", help="what was received")


def run(args: argparse.Namespace) -> None:
    import json

    from rev2net.datasets.download import dataset_sources, download, download_folder
    from rev2net.files import write_text

    settings = None
    if args.settings is not None:
        settings = parse_settings(DatasetSettings, args.settings)
    if args.to is None and settings is None:
        raise UserError("--to: no folder given; name one, or give --settings with a root")
    sources = dataset_sources(args.dataset, settings)
    folder = args.to if settings is None or args.to is not None else download_folder(settings)
    received = download(sources, folder)
    for name, file in received.items():
        print(f"{folder / name}: {file.bytes} bytes, sha256 {file.sha256}")
    if args.record is not None:
        record = {name: vars(file) for name, file in received.items()}
        write_text(args.record, json.dumps(record, indent=1) + "\n")
