"""Print what a file holds, as a table: a video, a shard, a shard index, a ledger, scores, any CSV.

rev2net inspect UCF-101/Archery/v_Archery_g01_c01.avi
rev2net inspect work/mini/shards/ucf101/rgb/0.h5
rev2net inspect work/mini/shards/ucf101/ledger.csv
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rev2net.errors import UserError

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net inspect`."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=20, help="rows of a table at most (20)")


def run(args: argparse.Namespace) -> None:
    """Print the tables of one file."""
    path: Path = args.file
    try:
        with open(path, "rb") as file:
            start = file.read(len(HDF5_SIGNATURE))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    if start == HDF5_SIGNATURE:
        _print_hdf5(path, args.rows)
    elif path.suffix == ".csv":
        _print_csv(path, args.rows)
    else:
        _print_video(path)


def _print_hdf5(path: Path, rows: int) -> None:
    import h5py

    from rev2net.shards.reader import open_hdf5

    with open_hdf5(path) as file:
        datasets: list[h5py.Dataset] = []
        file.visititems(lambda _, item: _collect(item, datasets))
        _print_table(["attribute", "value"], sorted(file.attrs.items()), None)
        shapes = [[item.name, item.shape, item.dtype] for item in datasets]
        _print_table(["dataset", "shape", "type"], shapes, None)
        videos = [item for item in datasets if item.name.startswith("/video/")]
        if videos:
            # The id leads; HDF5 lists names alphabetically.
            videos.sort(key=lambda item: item.name != "/video/id")
            names = [item.name.removeprefix("/video/") for item in videos]
            columns = [
                item.asstr()[:rows] if h5py.check_string_dtype(item.dtype) else item[:rows]
                for item in videos
            ]
            _print_table(names, zip(*columns, strict=True), len(videos[0]))


def _collect(item: Any, datasets: list[Any]) -> None:
    if hasattr(item, "shape"):
        datasets.append(item)


def _print_csv(path: Path, rows: int) -> None:
    with open(path, newline="", encoding="utf-8") as file:
        header, *lines = list(csv.reader(file)) or [[]]
    if "status" in header and "kind" in header:  # a ledger
        kind, status = header.index("kind"), header.index("status")
        counts = Counter((line[kind], line[status]) for line in lines)
        _print_table(["kind", "status", "videos"], [[*key, n] for key, n in counts.items()], None)
        lines = [line for line in lines if line[status] != "ok"]
        if not lines:
            return
    _print_table(header, lines[:rows], len(lines))


def _print_video(path: Path) -> None:
    from rev2net.video.decoding import FrameStream
    from rev2net.video.ledger import judge
    from rev2net.video.probe import announced_frames

    stream = FrameStream(path)
    for _ in stream:
        pass
    facts, decoding = stream.outcome()
    announced = announced_frames(path, facts.container)
    status, message = judge(announced, decoding)
    table: list[list[Any]] = [
        ["container", facts.container],
        ["codec", facts.codec],
        ["width x height", f"{facts.width} x {facts.height}"],
        ["frames per second", f"{facts.fps:g}"],
        ["frames announced", "not stored" if announced is None else announced],
        ["frames decoded", decoding.decoded],
        ["status", f"{status}: {message}" if message else status],
    ]
    _print_table(["video", path.name], table, None)


def _print_table(header: Sequence[str], rows: Iterable[Iterable[Any]], total: int | None) -> None:
    """Aligned columns; where `total` is given, the number of rows left out is said."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in [cells[0], ["-" * width for width in widths], *cells[1:]]:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    shown = len(cells) - 1
    if total is not None and total > shown:
        print(f"… and {total - shown} more")
    print()
