from pathlib import Path

import h5py
import pytest

from rev2net.errors import UserError
from rev2net.runs.folder import ShardFolder
from rev2net.shards.index import write_index
from rev2net.shards.layout import shard_rows
from rev2net.shards.reader import ShardIndex
from rev2net.shards.writer import write_shard
from tests.shard_files import ATTRIBUTES, encoded


def write(folder: Path, number: int, names: list[str], **changed: object) -> None:
    attributes = ATTRIBUTES | {"shard": number, "num_shards": 2} | changed
    with write_shard(ShardFolder(folder / "rgb").shard(number), attributes) as writer:
        for name in names:
            writer.append(encoded(0))
            writer.keep_video(name, num_frames=1, height=1, width=1, fps=1)


@pytest.mark.parametrize(("num_videos", "num_shards"), [(0, 1), (1, 3), (7, 3), (13320, 100)])
def test_shards_cut_the_index_without_gap_or_overlap(num_videos: int, num_shards: int) -> None:
    rows = list(range(num_videos))
    parts = [rows[shard_rows(num_videos, shard, num_shards)] for shard in range(num_shards)]
    assert [row for part in parts for row in part] == rows
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("shard", [-1, 3])
def test_a_shard_number_out_of_range_is_refused(shard: int) -> None:
    with pytest.raises(UserError, match=f"--shard: {shard}; allowed is 0 to 2"):
        shard_rows(10, shard, 3)


def test_paths_are_relative_so_that_the_folder_can_be_moved(tmp_path: Path) -> None:
    write(tmp_path / "here", 0, ["a"])
    write(tmp_path / "here", 1, ["b"])
    assert write_index(tmp_path / "here" / "rgb", "rgb", 2) == 2
    (tmp_path / "here").rename(tmp_path / "there")
    assert len(ShardIndex(tmp_path / "there" / "rgb.index").read_images("b", 0, 1)) == 1


def test_shards_of_different_machines_may_be_joined(tmp_path: Path) -> None:
    write(tmp_path, 0, ["a"], backend="cuda", versions="{1}", bound=20.0)
    write(tmp_path, 1, ["b"], backend="numba", versions="{2}", bound=20.0)
    write_index(tmp_path / "rgb", "rgb", 2)
    attributes = ShardIndex(tmp_path / "rgb.index").attributes
    assert attributes == ATTRIBUTES | {"num_shards": 2, "bound": 20.0}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"short_side": 128}, "short_side is 128; asked for is 64"),
        ({"index_digest": "1"}, "index_digest is '1'; asked for is '0"),
        ({"kind": "flow"}, "kind is 'flow'; asked for is 'rgb'"),
        ({"num_shards": 3}, "num_shards is 3; asked for is 2"),
        ({"shard": 0}, "shard is 0; asked for is 1"),
        ({"format_version": 7}, "format_version is 7; asked for is 1"),
    ],
)
def test_shards_of_different_settings_are_refused_naming_both_values(
    tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    write(tmp_path, 0, ["a"])
    write(tmp_path, 1, ["b"], **changed)
    with pytest.raises(UserError, match=rf"rgb/1\.h5: {message}"):
        write_index(tmp_path / "rgb", "rgb", 2)
    assert not (tmp_path / "rgb.index").exists()


def test_an_absent_shard_is_named(tmp_path: Path) -> None:
    write(tmp_path, 0, ["a"])
    with pytest.raises(UserError, match=r"rgb/1\.h5: no such file"):
        write_index(tmp_path / "rgb", "rgb", 2)


def test_a_video_in_two_shards_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 0, ["a", "b"])
    write(tmp_path, 1, ["b"])
    with pytest.raises(UserError, match=r"rgb\.index: 1 videos are in more than one shard"):
        write_index(tmp_path / "rgb", "rgb", 2)


def test_an_index_is_an_hdf5_file_as_documented(tmp_path: Path) -> None:
    write(tmp_path, 0, [])
    write(tmp_path, 1, ["a", "b"])
    write_index(tmp_path / "rgb", "rgb", 2)
    with h5py.File(tmp_path / "rgb.index", "r") as file:
        assert file["shard/path"].asstr()[()].tolist() == ["rgb/0.h5", "rgb/1.h5"]
        sizes = [(tmp_path / f"rgb/{shard}.h5").stat().st_size for shard in (0, 1)]
        assert file["shard/bytes"][()].tolist() == sizes
        assert file["video/shard"][()].tolist() == [1, 1]
        assert file["video/first_image"][()].tolist() == [0, 1]
        assert file["video/id"].asstr()[()].tolist() == ["a", "b"]
