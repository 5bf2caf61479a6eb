"""Small videos that move, and commands whose exit code is looked at."""

from pathlib import Path

import numpy as np

from rev2net import cli
from rev2net.video.writing import write_mp4


def main(words: list[str]) -> int:
    """The exit code of a command, however it ends."""
    try:
        return cli.main(words)
    except SystemExit as ended:
        return int(ended.code or 0)


def write_video(path: Path, frames: int, seed: int = 0, height: int = 36, width: int = 48) -> None:
    """A texture that moves 1 pixel a frame to the right."""
    rng = np.random.default_rng(seed)
    grey = rng.random((height // 6 + 2, (width + frames) // 6 + 3)).repeat(6, 0).repeat(6, 1)
    texture = (255 * grey).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    moved = (texture[:height, frames - t : frames - t + width] for t in range(frames))
    write_mp4(path, (np.repeat(image[..., None], 3, axis=2) for image in moved), fps=25.0)
