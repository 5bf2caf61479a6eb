"""Videos to ask about: a folder with whole, broken and odd ones."""

from pathlib import Path

import pytest
import torch

from rev2net.models import build
from tests.apply.moving_videos import write_video


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


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of I3D at its published width, for 7 classes."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "i3d.pt"
    torch.save(build("i3d", 7).state_dict(), path)
    return path
