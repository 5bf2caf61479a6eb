"""Clips for the tests of this folder."""

from pathlib import Path

import cv2
import numpy as np


def write_clip(path: Path, num_frames: int, height: int, width: int) -> Path:
    """An XviD AVI, as UCF101 has them, of a blurred texture that moves by a pixel a frame."""
    rng = np.random.default_rng(num_frames)
    texture = rng.integers(0, 256, (height, 2 * width, 3), dtype=np.uint8)
    texture = np.asarray(cv2.GaussianBlur(texture, (0, 0), 2))
    codec = cv2.VideoWriter.fourcc(*"XVID")
    video = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, 25, (width, height))
    for t in range(num_frames):
        video.write(np.ascontiguousarray(np.roll(texture, t, axis=1)[:, :width]))
    video.release()
    return path
