"""From clips in memory to what a training reads: shards, their indexes and a split."""

import csv
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rev2net.clips.dataset import ShardIndexes
from rev2net.config import FlowSettings, FlowShardSettings, FramesSettings
from rev2net.flow.parameters import default_settings
from rev2net.flow.quantize import quantize
from rev2net.runs.folder import ShardFolder
from rev2net.shards.index import write_index
from rev2net.shards.layout import Attributes, flow_attributes, rgb_attributes
from rev2net.shards.writer import write_shard
from rev2net.video.images import ImageBytes, encode_image, stack_components

FPS = 25.0


@dataclass(frozen=True)
class Clip:
    """A video: frames (T, H, W, 3) uint8, flow (T - 1, H, W, 2) in pixels per frame."""

    name: str
    frames: NDArray[np.uint8]
    flow: NDArray[np.float32] | None = None
    label: int | None = None  # None where training must not know it
    group: str = ""
    part: str = "train"  # of a split: train, val, test or target_unlabelled


def lossless(short_side: int, bound: float) -> tuple[FramesSettings, FlowSettings]:
    """How clips lie in shards whose images are PNG; flow beyond the bound saturates."""
    frames = FramesSettings(
        short_side=short_side, size=None, fps=None, codec="png", quality=95, time_limit=60
    )
    return frames, default_settings(bound).model_copy(update={"codec": "png"})


def write_clips(
    folder: Path,
    clips: Mapping[str, Iterable[Clip]],
    frames: FramesSettings,
    flow: FlowSettings | None = None,
) -> tuple[Path, ShardIndexes]:
    """One shard a dataset and kind, and a split of all clips, which are given by dataset.

    Returns the split's path, and the shards' indexes. Without `flow` there is no flow.
    """
    attributes = {"rgb": rgb_attributes(frames)}
    if flow is not None:
        settings = FlowShardSettings(frames=frames, **flow.model_dump())
        attributes["flow"] = flow_attributes(settings, "numba", {}, 1)
    files = {
        (dataset, kind): clip_shards(folder, dataset, kind)
        for dataset in clips
        for kind in attributes
    }
    rows = []
    for dataset, of_dataset in clips.items():
        origin: Attributes = {"dataset": dataset, "shard": 0, "num_shards": 1, "index_digest": "0"}
        with ExitStack() as stack:
            writers = {
                kind: stack.enter_context(
                    write_shard(files[dataset, kind].shard(0), of_kind | origin)
                )
                for kind, of_kind in attributes.items()
            }
            for clip in of_dataset:
                length, height, width = clip.frames.shape[:3]
                for kind, writer in writers.items():
                    for image in _images(clip, kind, frames, flow):
                        writer.append(image)
                    writer.keep_video(
                        clip.name, num_frames=length, height=height, width=width, fps=FPS
                    )
                label = "" if clip.label is None else clip.label
                rows.append([clip.name, dataset, label, clip.group, clip.part])
        for kind in attributes:
            write_index(files[dataset, kind].path, kind, 1)
    split = folder / "split1.csv"
    with open(split, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["video_id", "dataset", "label", "group", "part"])
        table.writerows(rows)
    return split, {of: shards.index for of, shards in files.items()}


def clip_shards(folder: Path, dataset: str, kind: str) -> ShardFolder:
    """Where `write_clips` leaves the shard of a dataset and kind."""
    return ShardFolder(folder / "shards" / dataset / kind)


def _images(
    clip: Clip, kind: str, frames: FramesSettings, flow: FlowSettings | None
) -> Iterable[ImageBytes]:
    if kind == "rgb":
        return (encode_image(image, frames.codec, frames.quality) for image in clip.frames)
    assert flow is not None
    assert clip.flow is not None
    stacked = map(stack_components, quantize(clip.flow, flow.bound))
    return (encode_image(image, flow.codec, flow.quality) for image in stacked)
