"""Shards of a handful of clips, made as the workflow makes them: what the benchmarks measure on."""

import argparse
import contextlib
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rev2net.errors import UserError

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
        with open(self.index, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["video_id", "path", "class", "label", "group", "split1"])
            for video_id, clip in zip(self.ids, clips, strict=True):
                writer.writerow([video_id, clip.resolve(), "-", 0, video_id, "train"])

    def make_rgb(self, settings: "FramesSettings") -> None:
        """Run `rev2net frames` on all clips, one shard."""
        from rev2net.commands import frames

        with contextlib.redirect_stdout(io.StringIO()):
            frames.run(self._arguments("rgb", settings.model_dump_json()))

    def make_flow(self, settings: "FlowShardSettings") -> None:
        """Run `rev2net flow` on all clips, one shard."""
        from rev2net.commands import flow

        with contextlib.redirect_stdout(io.StringIO()):
            flow.run(self._arguments("flow", settings.model_dump_json()))

    def _arguments(self, kind: str, settings: str) -> argparse.Namespace:
        shard = self.folder / kind / "0.h5"
        return argparse.Namespace(
            index=self.index,
            root=self.folder,  # the paths in the index are absolute
            shard=0,
            num_shards=1,
            settings=settings,
            output=shard,
            ledger=shard.with_suffix(".csv"),
        )


def default_frames(short_side: int | None, quality: int) -> "FramesSettings":
    """Frames as most configurations store them."""
    from rev2net.config import FramesSettings, parse_settings

    values = {"short_side": short_side, "codec": "jpeg", "quality": quality, "time_limit": 600}
    return parse_settings(FramesSettings, json.dumps({"size": None, "fps": None, **values}))


def default_flow(frames: "FramesSettings") -> "FlowShardSettings":
    """Flow as OpenCV computes it by default, of these frames, as most configurations store it."""
    from rev2net.config import FlowShardSettings
    from rev2net.flow.parameters import default_settings

    return FlowShardSettings(frames=frames, **default_settings(bound=20).model_dump())
