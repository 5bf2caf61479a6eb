"""Small shards and a split for tests of clips, training and evaluation: moving bars, two classes.

Class 0 moves a bar to the right, class 1 downwards, over a noise background; the flow shards hold
the true motion. Eight videos a dataset, twelve frames of 40 x 36 pixels each.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rev2net.config import FlowSettings, FlowShardSettings, FramesSettings, load
from rev2net.flow.quantize import quantize, stack_components
from rev2net.runs.folder import ShardFolder
from rev2net.shards.index import write_index
from rev2net.shards.layout import flow_attributes, rgb_attributes
from rev2net.shards.writer import write_shard
from rev2net.video.images import encode_image

HEIGHT, WIDTH, FRAMES, VIDEOS, BOUND = 36, 40, 12, 8, 8.0
MINI = load(Path(__file__).resolve().parent.parent / "config.yaml")
FRAME_SETTINGS = FramesSettings(
    short_side=HEIGHT, size=None, fps=None, codec="png", quality=95, time_limit=10
)
FLOW_SETTINGS = FlowSettings(**{**MINI.flow.model_dump(), "codec": "png", "bound": BOUND})


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
    return frames, quantize(flow, BOUND)


def write_small_data(root: Path) -> SmallData:
    """Shards of two datasets, their indexes, and a cross-dataset split with its JSON."""
    folders, rgb, flow, rows = {}, {}, {}, []
    for number, dataset in enumerate(("ucf101", "hmdb51")):
        folder = folders[dataset] = root / "shards" / dataset
        flow_settings = FlowShardSettings(frames=FRAME_SETTINGS, **FLOW_SETTINGS.model_dump())
        attributes = {
            "rgb": rgb_attributes(FRAME_SETTINGS),
            "flow": flow_attributes(flow_settings, "numba", {}, 1),
        }
        for kind in ("rgb", "flow"):
            shard = {"dataset": dataset, "shard": 0, "num_shards": 1, "index_digest": "0"}
            with write_shard(
                ShardFolder(folder).shard(kind, 0), attributes[kind] | shard
            ) as writer:
                for k in range(VIDEOS):
                    name = f"{dataset}_{k}"
                    rgb[name], flow[name] = video(k % 2, 100 * number + k)
                    images = (
                        rgb[name] if kind == "rgb" else [stack_components(f) for f in flow[name]]
                    )
                    for image in images:
                        writer.append(encode_image(image, "png", 95))
                    writer.keep_video(name, num_frames=FRAMES, height=HEIGHT, width=WIDTH, fps=25.0)
            write_index(folder, kind, 1)
        for k in range(VIDEOS):
            if dataset == "ucf101":
                part = "train" if k < 6 else "val"
            else:
                part = "target_unlabelled" if k < 4 else "test"
            label = "" if part == "target_unlabelled" else k % 2
            rows.append([f"{dataset}_{k}", dataset, label, f"{dataset}_{k}", part])
    split = root / "split1.csv"
    with open(split, "w", newline="") as file:
        writer_ = csv.writer(file, lineterminator="\n")
        writer_.writerow(["video_id", "dataset", "label", "group", "part"])
        writer_.writerows(rows)
    summary = {
        "class_names": ["right", "down"],
        "protocol": "official-split1",
        "parts": {"test": {"expected": 5}, "val": {"expected": 2}},
    }
    split.with_suffix(".json").write_text(json.dumps(summary))
    return SmallData(folders, split, rgb, flow)
