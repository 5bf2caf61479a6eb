"""Small shards and a split for tests of clips, training and evaluation: moving bars, two classes.

Class 0 moves a bar to the right, class 1 downwards, over a noise background; the flow shards hold
the true motion. Eight videos a dataset, twelve frames of 40 x 36 pixels each.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rev2net.bench.arrays import Clip, lossless, write_clips
from rev2net.config import load
from rev2net.flow.quantize import quantize

HEIGHT, WIDTH, FRAMES, VIDEOS, BOUND = 36, 40, 12, 8, 8.0
MINI = load(Path(__file__).resolve().parent.parent / "config.yaml")
FRAME_SETTINGS, FLOW_SETTINGS = lossless(HEIGHT, BOUND)


@dataclass(frozen=True)
class SmallData:
    """Where the files lie, and the frames that went in."""

    folders: dict[str, Path]
    split: Path
    rgb: dict[str, np.ndarray]  # video id -> (T, H, W, 3)
    flow: dict[str, np.ndarray]  # video id -> (T - 1, H, W, 2) as stored


def video(label: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames and the flow between them."""
    rng = np.random.default_rng(seed)
    background = rng.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    frames = np.repeat(background[None], FRAMES, 0)
    flow = np.zeros((FRAMES - 1, HEIGHT, WIDTH, 2), np.float32)
    offset = int(rng.integers(0, 6))
    for t in range(FRAMES):
        bar = slice(offset + 2 * t, offset + 2 * t + 5)
        region = (slice(None), bar) if label == 0 else (bar, slice(None))
        frames[(t, *region)] = 220
        if t < FRAMES - 1:
            flow[(t, *region, label)] = 2.0
    return frames, flow


def clips(dataset: str, first_seed: int) -> Iterator[Clip]:
    """Labelled training and validation clips of UCF101; unlabelled and test clips of HMDB51."""
    for k in range(VIDEOS):
        if dataset == "ucf101":
            part = "train" if k < 6 else "val"
        else:
            part = "target_unlabelled" if k < 4 else "test"
        name, label = f"{dataset}_{k}", k % 2
        frames, flow = video(label, first_seed + k)
        yield Clip(name, frames, flow, None if part == "target_unlabelled" else label, name, part)


def write_small_data(root: Path) -> SmallData:
    """Shards of two datasets, their indexes, and a cross-dataset split with its JSON."""
    data = {name: list(clips(name, 100 * k)) for k, name in enumerate(("ucf101", "hmdb51"))}
    split, folders = write_clips(root, data, FRAME_SETTINGS, FLOW_SETTINGS)
    summary = {
        "class_names": ["right", "down"],
        "protocol": "official-split1",
        "notes": ["the videos are made up"],
        "parts": {"test": {"expected": 5}, "val": {"expected": 2}},
    }
    split.with_suffix(".json").write_text(json.dumps(summary))
    everything = [clip for of_dataset in data.values() for clip in of_dataset]
    rgb = {clip.name: clip.frames for clip in everything}
    flow = {clip.name: quantize(clip.flow, BOUND) for clip in everything if clip.flow is not None}
    return SmallData(folders, split, rgb, flow)
