import multiprocessing
import pickle
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from rev2net.config import FramesSettings
from rev2net.errors import UserError
from rev2net.runs.folder import ShardFolder
from rev2net.shards import reader
from rev2net.shards.index import write_index
from rev2net.shards.layout import required_attributes, resize_attributes
from rev2net.shards.reader import ShardIndex
from rev2net.shards.writer import write_shard
from tests.shard_files import ATTRIBUTES

Content = dict[str, list[npt.NDArray[np.uint8]]]
Shards = tuple[Path, Content]
FRAMES = FramesSettings(short_side=64, size=None, fps=None, codec="jpeg", quality=95, time_limit=60)


def same(read: list[npt.NDArray[np.uint8]], expected: list[npt.NDArray[np.uint8]]) -> bool:
    return len(read) == len(expected) and all(map(np.array_equal, read, expected))


def test_the_index_knows_every_video_of_every_shard(shards: Shards) -> None:
    folder, content = shards
    index = ShardIndex(folder / "rgb.index")
    assert index.ids == list(content)
    assert len(index) == 5
    assert "ü" in index
    assert "x" not in index
    for name, images in content.items():
        assert index.video(name).num_images == len(images)
        video = index.video(name)
        assert (video.num_frames, video.height, video.width, video.fps) == (9, 64, 85, 29.97)
    assert index.attributes == ATTRIBUTES | {"num_shards": 3}


def test_images_are_read_back_byte_for_byte(shards: Shards) -> None:
    folder, content = shards
    index = ShardIndex(folder / "rgb.index")
    for name, images in content.items():
        assert same(index.read_images(name, 0, len(images)), images)
        assert same(index.read_images(name, 2, 4), images[2:4])
        assert index.read_images(name, 3, 3) == []
        wanted = [4, 0, 1, 1, 3]
        assert same(list(index.iter_images(name, wanted)), [images[k] for k in wanted])
    assert list(index.iter_images("a", [])) == []


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 6), (3, 2)])
def test_images_of_other_videos_cannot_be_reached(shards: Shards, start: int, stop: int) -> None:
    index = ShardIndex(shards[0] / "rgb.index")
    with pytest.raises(IndexError, match=f"a: images {start} to {stop}; it has 5"):
        index.read_images("a", start, stop)
    with pytest.raises(IndexError):
        list(index.iter_images("a", [-1]))


def test_an_unknown_video_is_named(shards: Shards) -> None:
    with pytest.raises(UserError, match=r"rgb\.index: no video 'x' among its 5"):
        ShardIndex(shards[0] / "rgb.index").video("x")


def test_few_files_stay_open(shards: Shards, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, content = shards
    monkeypatch.setattr(reader, "OPEN_SHARDS", 1)
    index = ShardIndex(folder / "rgb.index")
    for _ in range(2):
        for name in ("a", "d", "ü", "c"):  # of the first and the third shard in turn
            assert same(index.read_images(name, 0, 5), content[name][:5])
    assert len(index._open) == 1


def _read(job: tuple[ShardIndex, str]) -> list[bytes]:
    index, name = job
    return [image.tobytes() for image in index.read_images(name, 0, index.video(name).num_images)]


def _read_global(name: str) -> list[bytes]:
    return _read((_INDEX, name))


_INDEX: ShardIndex


def test_forked_processes_read_beside_their_parent(shards: Shards) -> None:
    global _INDEX
    folder, content = shards
    _INDEX = ShardIndex(folder / "rgb.index")
    names = list(content) * 20
    expected = [[image.tobytes() for image in content[name]] for name in names]
    _read_global("a")  # the parent has files open when the children come
    with multiprocessing.get_context("fork").Pool(3) as pool:
        reading = pool.map_async(_read_global, names, chunksize=1)
        assert [_read_global(name) for name in names] == expected
        assert reading.get(30) == expected
    assert [_read_global(name) for name in names] == expected


def test_a_pickled_index_opens_its_own_files(shards: Shards) -> None:
    folder, content = shards
    index = ShardIndex(folder / "rgb.index", {"short_side": 64})
    index.read_images("a", 0, 1)
    copy = pickle.loads(pickle.dumps(index))
    index.close()
    assert same(copy.read_images("d", 0, 9), content["d"])
    assert copy.attributes == index.attributes


@pytest.mark.parametrize(
    ("settings", "kind", "bound", "message"),
    [
        (FRAMES, "flow", None, "kind is 'rgb'; asked for is 'flow'"),
        (FRAMES.model_copy(update={"short_side": 256}), "rgb", None, "short_side is 64; .* 256"),
        (FRAMES.model_copy(update={"size": (85, 64)}), "rgb", None, "size is ''; .* '85x64'"),
        (FRAMES.model_copy(update={"fps": 25.0}), "rgb", None, r"fps is 0\.0; .* 25\.0"),
    ],
)
def test_an_index_made_otherwise_is_refused_naming_both_values(
    shards: Shards, settings: FramesSettings, kind: str, bound: float | None, message: str
) -> None:
    with pytest.raises(UserError, match=rf"rgb\.index: {message}"):
        ShardIndex(shards[0] / "rgb.index", required_attributes(kind, settings, bound))


def test_what_was_asked_for_is_accepted(shards: Shards) -> None:
    required = required_attributes("rgb", FRAMES)
    assert required == {"format_version": 1, "kind": "rgb", **resize_attributes(FRAMES)}
    assert len(ShardIndex(shards[0] / "rgb.index", required)) == 5


def test_flow_of_another_bound_is_refused(tmp_path: Path) -> None:
    attributes = ATTRIBUTES | {"kind": "flow", "bound": 20.0, "shard": 0, "num_shards": 1}
    with write_shard(ShardFolder(tmp_path / "flow").shard(0), attributes):
        pass
    write_index(tmp_path / "flow", "flow", 1)
    ShardIndex(tmp_path / "flow.index", required_attributes("flow", FRAMES, 20.0))
    with pytest.raises(UserError, match=r"flow\.index: bound is 20\.0; asked for is 8\.0"):
        ShardIndex(tmp_path / "flow.index", required_attributes("flow", FRAMES, 8.0))


def test_a_shard_that_was_replaced_since_the_merge_is_refused(shards: Shards) -> None:
    folder, _ = shards
    with write_shard(
        ShardFolder(folder / "rgb").shard(0), ATTRIBUTES | {"shard": 0, "num_shards": 3}
    ):
        pass
    index = ShardIndex(folder / "rgb.index")
    with pytest.raises(UserError, match=r"rgb/0\.h5: damaged: \d+ bytes, and \d+ when .*index"):
        index.read_images("a", 0, 1)
    (folder / "rgb" / "0.h5").unlink()
    with pytest.raises(UserError, match=r"rgb/0\.h5: no such file; delete .*rgb\.index and"):
        index.read_images("a", 0, 1)
    assert len(index.read_images("d", 0, 1)) == 1  # of another shard


def test_what_is_no_index_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rgb.index"
    with pytest.raises(UserError, match=r"rgb\.index: no such file"):
        ShardIndex(path)
    path.write_text("no HDF5")
    with pytest.raises(UserError, match=r"rgb\.index: not a readable HDF5 file"):
        ShardIndex(path)
    with h5py.File(path, "w") as file:
        file["scores"] = [1.0]
    with pytest.raises(UserError, match=r"rgb\.index: no /video/id; not a shard or index"):
        ShardIndex(path)
