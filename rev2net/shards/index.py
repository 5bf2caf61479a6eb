"""Joining the tables of all shards of one dataset and kind into one index file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rev2net import digests
from rev2net.errors import UserError
from rev2net.runs.folder import ShardFolder
from rev2net.shards.layout import (
    FORMAT_VERSION,
    PER_SHARD,
    Attributes,
    check_attributes,
    read_attributes,
)
from rev2net.shards.reader import open_hdf5, read_columns
from rev2net.shards.writer import VIDEO_COLUMNS, write_columns


def write_index(folder: Path, kind: str, num_shards: int) -> int:
    """Write `<folder>.index` of `<folder>/0.h5` to `<num_shards - 1>.h5`; returns its videos.

    Raises UserError where a shard is absent, is not the one its name says, or was made with other
    settings than the first.
    """
    files = ShardFolder(folder)
    target, paths = files.index, [files.shard(shard) for shard in range(num_shards)]
    tables, attributes = _read_tables(paths, kind)
    columns: dict[str, list[Any]] = {
        name: [value for table in tables for value in table[name]] for name in VIDEO_COLUMNS
    }
    repeated = len(columns["id"]) - len(set(columns["id"]))
    if repeated:
        raise UserError(f"{target}: {repeated} videos are in more than one shard")
    columns["shard"] = [number for number, table in enumerate(tables) for _ in table["id"]]
    with digests.write_hdf5(target) as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        write_columns(file, columns)
        relative = [path.relative_to(target.parent).as_posix() for path in paths]
        file.create_dataset("shard/path", data=relative, dtype=h5py.string_dtype())
        sizes = [path.stat().st_size for path in paths]
        file.create_dataset("shard/bytes", data=sizes, dtype=np.int64)
    return len(columns["id"])


def _read_tables(paths: Sequence[Path], kind: str) -> tuple[list[dict[str, Any]], Attributes]:
    """The `/video` tables of the shards, and the attributes that all of them share."""
    tables: list[dict[str, Any]] = []
    shared: Attributes = {}
    for number, path in enumerate(paths):
        with open_hdf5(path) as file:
            digests.check_seal(path, file)
            found = read_attributes(file.attrs)
            own = {"format_version": FORMAT_VERSION, "kind": kind, "shard": number}
            check_attributes(path, found, own | {"num_shards": len(paths)})
            tables.append(read_columns(path, file, VIDEO_COLUMNS))
        shared = shared or found
        check_attributes(path, found, {k: v for k, v in shared.items() if k not in PER_SHARD})
        shared = {name: value for name, value in shared.items() if found.get(name) == value}
    return tables, shared
