"""Videos to ask about: a folder with whole, broken and odd ones."""

from pathlib import Path

import numpy as np
import pytest

from rev2net.video.writing import write_mp4


def write_video(path: Path, frames: int, seed: int = 0, height: int = 36, width: int = 48) -> None:
    """A smooth texture that moves 1 pixel a frame to the right."""
    rng = np.random.default_rng(seed)
    grey = rng.random((height // 6 + 2, (width + frames) // 6 + 3)).repeat(6, 0).repeat(6, 1)
    texture = (255 * grey).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(
        path,
        (
            np.repeat(texture[:height, frames - t : frames - t + width, None], 3, axis=2)
            for t in range(frames)
        ),
        fps=25.0,
    )


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two whole videos, one of them below a folder with an odd name; one broken; one frame."""
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "walk.mp4", 7)
    write_video(folder / "with space é" / "rün [1].mp4", 9, seed=1)
    write_video(folder / "one.mp4", 1)
    (folder / "broken.avi").write_text("no video")
    (folder / ".hidden.avi").write_text("not looked at")
    (folder / "notes.txt").write_text("not a video")
    return folder
