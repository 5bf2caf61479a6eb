"""Small shards and what they are made from: attributes, images, a folder of videos."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rev2net.cli import main
from rev2net.shards.layout import FORMAT_VERSION

ATTRIBUTES: dict[str, Any] = {
    "format_version": FORMAT_VERSION,
    "kind": "rgb",
    "dataset": "ucf101",
    "codec": "jpeg",
    "quality": 95,
    "short_side": 64,
    "size": "",
    "fps": 0.0,
    "index_digest": "0" * 64,
}


def encoded(seed: int, size: int = 0) -> npt.NDArray[np.uint8]:
    """Bytes that stand for one encoded image; shards do not look into them."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, size or int(rng.integers(1, 5000)), dtype=np.uint8)


FRAMES = {
    "short_side": 32,
    "size": None,
    "fps": None,
    "codec": "png",
    "quality": 95,
    "time_limit": 60,
}
FLOW = {  # as cheap as TV-L1 can be
    "backend": "opencv",
    "bound": 8,
    "codec": "png",
    "quality": 95,
    "tau": 0.25,
    "lambda_": 0.15,
    "theta": 0.3,
    "nscales": 1,
    "warps": 1,
    "epsilon": 0.1,
    "inner_iterations": 2,
    "outer_iterations": 1,
    "scale_step": 0.8,
    "median_filtering": 1,
    "frames": FRAMES,
}


class Dataset:
    """A folder of videos with an index, and the commands that make shards of it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "UCF101"
        self.root.mkdir()
        self.index = root / "index.csv"
        self.folder = root / "shards" / "ucf101"
        self.names: list[str] = []

    def write(self, name: str, num_frames: int, height: int = 48, width: int = 64) -> Path:
        """An XviD AVI as UCF101 has them, of noise, so that no two frames are alike."""
        path = self.root / f"{name}.avi"
        video = cv2.VideoWriter(
            str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"XVID"), 25, (width, height)
        )
        rng = np.random.default_rng(len(name))
        for _ in range(num_frames):
            video.write(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        video.release()
        return path

    def write_index(self, names: list[str]) -> None:
        self.names = names
        lines = ["video_id,path,class,label,group,split1"]
        lines += [f"{name},{name}.avi,Archery,0,{name},train" for name in names]
        self.index.write_text("\n".join(lines) + "\n")

    def arguments(self, kind: str, shard: int = 0, num_shards: int = 1) -> list[str]:
        settings = {"rgb": FRAMES, "flow": FLOW}[kind]
        words: dict[str, Any] = {
            "--dataset": "ucf101",
            "--index": self.index,
            "--root": self.root,
            "--shard": shard,
            "--num-shards": num_shards,
            "--settings": json.dumps(settings),
        }
        command = {"rgb": "frames", "flow": "flow"}[kind]
        options = [str(word) for pair in words.items() for word in pair]
        files = [str(self.folder / kind / f"{shard}.{suffix}") for suffix in ("h5", "csv")]
        return ["stage", command, *options, *files]

    def merge(self, num_shards: int = 1, allowed: float = 0.05) -> int:
        """Merge both kinds; the worse exit code."""
        words = ["--index", str(self.index), "--num-shards", str(num_shards)]
        words += ["--max-unusable", str(allowed)]
        return max(
            main(["stage", "merge", "ucf101", "--kind", kind, *words, str(self.folder / kind)])
            for kind in ("rgb", "flow")
        )
