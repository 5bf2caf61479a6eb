"""A configuration of the tables and a work folder filled by hand with scores files."""

from pathlib import Path

import pytest
from work_folder import CONFIG, I3D_RGB, Work

from rev2net.config import Config
from rev2net.runs.identity import Run


@pytest.fixture
def config() -> Config:
    """Two seeds, one split, no source-only rows."""
    return CONFIG


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work" / "mini")


@pytest.fixture
def i3d_rgb() -> Run:
    """The run of I3D on RGB from HMDB51 to UCF101, split 1, seed 0."""
    return I3D_RGB
