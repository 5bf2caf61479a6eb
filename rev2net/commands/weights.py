"""Download a checkpoint that trainings start from, unless it is there, and check it.

    rev2net weights weights/resnet50.pth --sha256 0676ba61 \\
        --url https://download.pytorch.org/models/resnet50-0676ba61.pth

A download that was cut off continues. The workflow calls this before the first training that needs
the file where a configuration has a `url` beside `file` and `sha256` in `initial_weights`.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rev2net.errors import UserError

if TYPE_CHECKING:
    from rev2net.config import WeightsSource


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net weights`."""
    parser.add_argument("file", help="where the checkpoint is to lie")
    parser.add_argument("--url", required=True)
    parser.add_argument("--mirror", help="another address, where the first does not answer")
    parser.add_argument("--sha256", required=True, help="its SHA-256, or at least 8 digits of it")


def run(args: argparse.Namespace) -> None:
    """Leave the checkpoint in its place."""
    from rev2net.config import WeightsSource, validate

    words = {name: getattr(args, name) for name in ("file", "url", "mirror", "sha256")}
    path = download_weights(validate(WeightsSource, words, "arguments"))
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, as expected")


def download_weights(source: "WeightsSource") -> Path:
    """Download a checkpoint to its place, once; from the `mirror` where the address fails.

    Raises UserError where its digest is another one, and where the download fails.
    """
    from rev2net.fetch import fetch

    path = Path(source.file)
    assert source.url is not None
    try:
        fetch(source.url, path, sha256=source.sha256)
    except UserError as error:
        if source.mirror is None or path.exists():
            raise
        print(f"{error}; trying {source.mirror}", file=sys.stderr, flush=True)
        fetch(source.mirror, path, sha256=source.sha256)
    return path
