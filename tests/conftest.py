"""Fixtures that several packages' tests share."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rev2net.config import Config
from rev2net.runs.identity import Run
from tests.example_scores import MakeScores, changed
from tests.real_data import REAL_DATA, WITHOUT
from tests.shard_files import Dataset
from tests.small_dataset import SmallData, write_small_data
from tests.work_folder import CONFIG, I3D_RGB, Work


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test draws the same numbers whatever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips and official lists; tests that ask for it are skipped without."""
    if not REAL_DATA.is_dir():
        pytest.skip(WITHOUT)
    return REAL_DATA


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> SmallData:
    return write_small_data(tmp_path_factory.mktemp("small"))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path)


@pytest.fixture
def bad_dataset(dataset: Dataset) -> Dataset:
    """Good videos at both ends, and between them one of each kind of bad file."""
    dataset.write("first", 12)
    dataset.write("last", 9, height=40, width=52)
    (dataset.root / "zero-byte.avi").touch()
    (dataset.root / "text.avi").write_text("this is not a video\n" * 50)
    truncated = dataset.write("truncated", 40)
    truncated.write_bytes(truncated.read_bytes()[: truncated.stat().st_size // 2])
    dataset.write("one-frame", 1)
    dataset.write_index(["first", "missing", "zero-byte", "text", "truncated", "one-frame", "last"])
    return dataset


@pytest.fixture
def make_scores() -> MakeScores:
    """The small scores file with some fields changed."""
    return changed


@pytest.fixture
def config() -> Config:
    """Of the tables: two seeds, one split, no source-only rows."""
    return CONFIG


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work folder to be filled by hand with scores files."""
    return Work(tmp_path / "work" / "mini")


@pytest.fixture
def i3d_rgb() -> Run:
    """The run of I3D on RGB from HMDB51 to UCF101, split 1, seed 0."""
    return I3D_RGB


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder where one works, with mine.py: a network and an adaptation term of one's own."""
    shutil.copy(Path(__file__).with_name("own_network.py"), tmp_path / "mine.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
