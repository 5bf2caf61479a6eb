"""Download a checkpoint that trainings start from, unless it is there, and check it.

    rev2net stage weights weights/resnet50.pth --sha256 0676ba61 \\
        --url https://download.pytorch.org/models/resnet50-0676ba61.pth

A download that was cut off continues. In a configuration, a `url` beside `file` and `sha256` in
`initial_weights` makes the workflow do this before the first training that needs the file.
"""

import argparse
import sys
from pathlib import Path

from rev2net.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="where the checkpoint is to lie")
    parser.add_argument("--url", required=True)
    parser.add_argument("--mirror", help="another address, where the first does not answer")
    parser.add_argument("--sha256", required=True, help="its SHA-256, or at least 8 digits of it")


def run(args: argparse.Namespace) -> None:
    from rev2net.config import WeightsSource, validate
    from rev2net.fetch import fetch

    words = {name: getattr(args, name) for name in ("file", "url", "mirror", "sha256")}
    validate(WeightsSource, words, "arguments")
    path = Path(args.file)
    try:
        fetch(args.url, path, sha256=args.sha256)
    except UserError as error:
        if args.mirror is None or path.exists():
            raise
        print(f"{error}; trying {args.mirror}", file=sys.stderr, flush=True)
        fetch(args.mirror, path, sha256=args.sha256)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, as expected")
