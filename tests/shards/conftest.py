"""Shards of made-up images, and a dataset folder in which every kind of bad file lies."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from shard_files import ATTRIBUTES, Dataset, encoded

from rev2net.runs.folder import ShardFolder
from rev2net.shards.index import write_index
from rev2net.shards.writer import write_shard


@pytest.fixture
def shards(tmp_path: Path) -> tuple[Path, dict[str, list[npt.NDArray[np.uint8]]]]:
    """A folder of 3 shards and their index (the second is empty), and what they hold by video."""
    content = {}
    for shard, names in enumerate((["a", "ü"], [], ["b", "c", "d"])):
        attributes = ATTRIBUTES | {"shard": shard, "num_shards": 3}
        with write_shard(ShardFolder(tmp_path).shard("rgb", shard), attributes) as writer:
            for name in names:
                content[name] = [encoded(len(content) * 100 + k) for k in range(5 + len(content))]
                for image in content[name]:
                    writer.append(image)
                writer.keep_video(name, num_frames=9, height=64, width=85, fps=29.97)
    write_index(tmp_path, "rgb", 3)
    return tmp_path, content


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
