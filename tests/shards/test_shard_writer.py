import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from rev2net.shards.layout import read_attributes
from rev2net.shards.writer import CHUNK_BYTES, ShardWriter, write_shard
from tests.shard_files import ATTRIBUTES, encoded


def keep(writer: ShardWriter, name: str, sizes: list[int]) -> None:
    for seed, size in enumerate(sizes):
        writer.append(encoded(seed, size))
    writer.keep_video(name, num_frames=len(sizes), height=48, width=64, fps=25.0)


def test_the_file_is_laid_out_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "rgb" / "0.h5"
    with write_shard(path, ATTRIBUTES | {"shard": 0}) as writer:
        keep(writer, "v_Ärchery", [10, 20, 30])
        keep(writer, "b", [5])
    with h5py.File(path, "r") as file:
        assert read_attributes(file.attrs) == ATTRIBUTES | {"shard": 0}
        assert (file["frames"].dtype, file["offset"].dtype) == (np.uint8, np.int64)
        assert file["offset"][()].tolist() == [0, 10, 30, 60, 65]
        images = [encoded(0, 10), encoded(1, 20), encoded(2, 30), encoded(0, 5)]
        assert file["crc32"].dtype == np.uint32
        assert file["crc32"][()].tolist() == [zlib.crc32(image.tobytes()) for image in images]
        np.testing.assert_array_equal(file["frames"][()], np.concatenate(images))
        assert file["video/id"].asstr()[()].tolist() == ["v_Ärchery", "b"]
        columns = {name: file[f"video/{name}"] for name in file["video"] if name != "id"}
        assert {name: column[()].tolist() for name, column in columns.items()} == {
            "first_image": [0, 3],
            "num_images": [3, 1],
            "num_frames": [3, 1],
            "height": [48, 48],
            "width": [64, 64],
            "fps": [25.0, 25.0],
        }
        assert columns["fps"].dtype == np.float64
        assert {columns[name].dtype for name in columns if name != "fps"} == {np.dtype(np.int64)}


def test_an_empty_shard_is_a_whole_shard(tmp_path: Path) -> None:
    with write_shard(tmp_path / "0.h5", ATTRIBUTES):
        pass
    with h5py.File(tmp_path / "0.h5", "r") as file:
        assert file["frames"].shape == (0,)
        assert file["offset"][()].tolist() == [0]
        assert file["video/id"].shape == file["video/fps"].shape == (0,)


@pytest.mark.parametrize("dropped", [[40], [CHUNK_BYTES - 1, 2], [3 * CHUNK_BYTES, 7]])
def test_a_dropped_video_leaves_no_trace(tmp_path: Path, dropped: list[int]) -> None:
    for name, sizes in (("with.h5", dropped), ("without.h5", [])):
        with write_shard(tmp_path / name, ATTRIBUTES) as writer:
            keep(writer, "a", [100, CHUNK_BYTES + 3])
            for seed, size in enumerate(sizes):
                writer.append(encoded(seed, size))
            writer.drop_video()
            keep(writer, "b", [7, 2 * CHUNK_BYTES])
    with h5py.File(tmp_path / "with.h5") as a, h5py.File(tmp_path / "without.h5") as b:
        for name in ("frames", "offset", "video/first_image", "video/num_images"):
            np.testing.assert_array_equal(a[name][()], b[name][()])


def test_the_same_videos_give_the_same_bytes_at_any_time(tmp_path: Path) -> None:
    for name in ("one.h5", "two.h5"):
        with write_shard(tmp_path / name, ATTRIBUTES) as writer:
            keep(writer, "a", [3000, 50])
            keep(writer, "b", [2 * CHUNK_BYTES])
        time.sleep(1.1)  # HDF5 keeps times in seconds
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def write_until_the_disk_is_full(path: Path) -> None:
    with write_shard(path, {}) as writer:
        keep(writer, "a", [10])
        raise OSError("disk full")


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"):
        write_until_the_disk_is_full(tmp_path / "0.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_nothing_that_counts_and_the_next_one_tidies_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "0.h5"
    code = (
        "import sys, time, numpy as np; from pathlib import Path\n"
        "from rev2net.shards.writer import write_shard\n"
        "with write_shard(Path(sys.argv[1]), {}) as writer:\n"
        "    writer.append(np.zeros(3_000_000, np.uint8))\n"
        "    print('writing', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        os.kill(process.pid, signal.SIGKILL)
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 1
    with write_shard(path, {}) as writer:
        keep(writer, "a", [10])
    assert list(tmp_path.iterdir()) == [path]


def test_memory_grows_with_neither_video_nor_shard(tmp_path: Path) -> None:
    code = (
        "import resource, sys, numpy as np; from pathlib import Path\n"
        "from rev2net.shards.writer import write_shard\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "image = np.random.default_rng(0).integers(0, 256, 100_000, np.uint8)\n"
        "with write_shard(Path(sys.argv[1]), {}) as writer:\n"
        "    for video in range(4):\n"
        "        for _ in range(400):\n"
        "            writer.append(image)\n"
        "        writer.keep_video(str(video), num_frames=1, height=1, width=1, fps=1)\n"
        "        print(peak())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "0.h5")]
    peaks = [int(line) for line in subprocess.check_output(command).split()]
    assert (tmp_path / "0.h5").stat().st_size >= 160_000_000
    assert peaks[-1] - peaks[0] <= 8, f"MiB after each 40 MB video: {peaks}"
