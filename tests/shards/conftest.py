"""Shards of made-up images."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rev2net.runs.folder import ShardFolder
from rev2net.shards.index import write_index
from rev2net.shards.writer import write_shard
from tests.shard_files import ATTRIBUTES, encoded


@pytest.fixture
def shards(tmp_path: Path) -> tuple[Path, dict[str, list[npt.NDArray[np.uint8]]]]:
    """A folder of 3 shards and their index (the second is empty), and what they hold by video."""
    content: dict[str, list[npt.NDArray[np.uint8]]] = {}
    for shard, names in enumerate((["a", "ü"], [], ["b", "c", "d"])):
        attributes = ATTRIBUTES | {"shard": shard, "num_shards": 3}
        with write_shard(ShardFolder(tmp_path / "rgb").shard(shard), attributes) as writer:
            for name in names:
                content[name] = [encoded(len(content) * 100 + k) for k in range(5 + len(content))]
                for image in content[name]:
                    writer.append(image)
                writer.keep_video(name, num_frames=9, height=64, width=85, fps=29.97)
    write_index(tmp_path / "rgb", "rgb", 3)
    return tmp_path, content
