"""Shards of a handful of clips, made as the workflow makes them: what the benchmarks measure on."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rev2net.errors import UserError
from rev2net.files import csv_text, write_text
from rev2net.runs.folder import ShardFolder

if TYPE_CHECKING:
    from rev2net.config import FlowShardSettings, FramesSettings

DATASET = "clips"


class ClipShards:
    """A folder with an index of the clips, and their shards once they are made."""

    def __init__(self, folder: Path, clips: Sequence[Path]) -> None:
        if missing := [clip for clip in clips if not clip.is_file()]:
            raise UserError(f"--clips: {missing[0]}: no such file; allowed are videos")
        self.folder, self.index = folder, folder / f"{DATASET}.csv"
        self.ids = [f"{number}_{clip.stem}" for number, clip in enumerate(clips)]
        rows = [(i, c.resolve(), "-", 0, i, "train") for i, c in zip(self.ids, clips, strict=True)]
        head = ("video_id", "path", "class", "label", "group", "split1")
        write_text(self.index, csv_text([head, *rows]))

    def make(self, kind: str, settings: "FramesSettings | FlowShardSettings") -> None:
        """Store the frames ("rgb") or the flow of all clips, one shard."""
        from rev2net.shards.make import make_shard

        files = ShardFolder(self.folder / kind)
        root = self.folder  # the paths in the index are absolute
        output, ledger = files.shard(0), files.ledger_part(0)
        make_shard(settings, DATASET, self.index, root, 0, 1, output, ledger)
