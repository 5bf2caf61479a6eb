"""One module a subcommand: its arguments, and how it composes the packages below."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from rev2net.errors import UserError


def add_run_arguments(parser: argparse.ArgumentParser, folder_help: str) -> None:
    """What training and evaluation take alike."""
    parser.add_argument("folder", type=Path, help=folder_help)
    parser.add_argument("--settings", required=True, help="JSON, or a JSON or YAML file")
    parser.add_argument("--split", required=True, type=Path, help="splits/<benchmark>/split<k>.csv")
    parser.add_argument(
        "--shards",
        required=True,
        action="append",
        metavar="DATASET=FOLDER",
        help="folder with rgb.index and flow.index of a dataset; once a dataset",
    )


def dataset_paths(words: Iterable[str]) -> dict[str, Path]:
    """The `DATASET=PATH` words of a command line, by dataset.

    >>> dataset_paths(["ucf101=shards/ucf101"])
    {'ucf101': PosixPath('shards/ucf101')}
    """
    paths = {}
    for word in words:
        dataset, equals, path = word.partition("=")
        if not equals or not dataset or not path:
            raise UserError(f"{word!r} is not DATASET=PATH, for example ucf101=shards/ucf101")
        paths[dataset] = Path(path)
    return paths


def refuse_overwriting(output: Path, *sources: Path) -> None:
    """Raise UserError where an output is one of the files that it is made from, however named.

    And where it is a folder.
    """
    if output.is_dir():
        raise UserError(f"{output}: is a folder; give a file's name")
    for source in sources:
        existing = output.exists() and source.exists() and output.samefile(source)
        if existing or output.resolve() == source.resolve():
            raise UserError(f"{output}: is what it would be made from, {source}; give another name")


def existing_root(root: Path) -> Path:
    """A folder of runs; raises UserError for one that is not there, before anything is written."""
    if not root.is_dir():
        raise UserError(f"--root {root}: no such folder; work/<name> expected")
    return root
