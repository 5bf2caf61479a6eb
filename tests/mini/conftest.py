"""A very small benchmark on disk, written once for all tests that only read it."""

from pathlib import Path

import pytest

from rev2net.mini import MiniOptions, write_mini

TINY = MiniOptions(groups=6, clips=2, frames=(5, 7), height=32)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with all three datasets in size TINY."""
    root = tmp_path_factory.mktemp("mini")
    for dataset in ("ucf101", "hmdb51", "kinetics400"):
        write_mini(root, dataset, TINY)
    return root
