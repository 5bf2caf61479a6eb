"""From clips in memory to what a training reads: shards, their index and a split."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rev2net.config import FlowSettings, FlowShardSettings, FramesSettings
from rev2net.flow.quantize import quantize, stack_components
from rev2net.runs.folder import ShardFolder
from rev2net.shards.index import write_index
from rev2net.shards.layout import flow_attributes, rgb_attributes
from rev2net.shards.writer import write_shard
from rev2net.video.images import encode_image

FPS = 25.0


@dataclass(frozen=True)
class Clip:
    """A video: frames (T, H, W, 3) uint8, flow (T - 1, H, W, 2) in pixels per frame."""

    name: str
    frames: NDArray[np.uint8]
    flow: NDArray[np.float32]
    label: int
    group: str
    part: str  # train, val or test


def write_clips(
    folder: Path, dataset: str, clips: Iterable[Clip], frames: FramesSettings, flow: FlowSettings
) -> tuple[Path, dict[str, Path]]:
    """One shard a kind and a split; the split's path, and the shards' folder by dataset."""
    shards = folder / "shards" / dataset
    settings = FlowShardSettings(frames=frames, **flow.model_dump())
    origin: dict[str, str | int] = {
        "dataset": dataset,
        "shard": 0,
        "num_shards": 1,
        "index_digest": "0",
    }
    rows = []
    with (
        write_shard(ShardFolder(shards).shard("rgb", 0), rgb_attributes(frames) | origin) as rgb,
        write_shard(
            ShardFolder(shards).shard("flow", 0), flow_attributes(settings, "numba", {}, 1) | origin
        ) as flows,
    ):
        for clip in clips:
            length, height, width = clip.frames.shape[:3]
            for image in clip.frames:
                rgb.append(encode_image(image, frames.codec, frames.quality))
            for image in quantize(clip.flow, flow.bound):
                flows.append(encode_image(stack_components(image), flow.codec, flow.quality))
            for writer in (rgb, flows):
                writer.keep_video(clip.name, num_frames=length, height=height, width=width, fps=FPS)
            rows.append([clip.name, dataset, clip.label, clip.group, clip.part])
    for kind in ("rgb", "flow"):
        write_index(shards, kind, 1)
    split = folder / "split1.csv"
    with open(split, "w", newline="", encoding="utf-8") as file:
        writer_ = csv.writer(file, lineterminator="\n")
        writer_.writerow(["video_id", "dataset", "label", "group", "part"])
        writer_.writerows(rows)
    return split, {dataset: shards}
