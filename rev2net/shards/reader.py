"""Reading shards through their index: the encoded images of any video of a dataset.

Files are opened when first needed, and the most recently used ones stay open. An index can be
pickled and survives a fork.
"""

import itertools
import os
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from rev2net import digests
from rev2net.errors import UserError
from rev2net.shards.layout import check_attributes, read_attributes
from rev2net.shards.writer import VIDEO_COLUMNS, VideoRow
from rev2net.video.images import ImageBytes

BLOCK = 256  # images that are verified together
OPEN_SHARDS = 128  # file handles a process keeps, each with the image offsets of its shard


class _OpenShard:
    """An open shard: where each image begins, the images' checksums, and where the bytes lie.

    HDF5 says once where in the file the pieces of `/frames` are. They are read from there by
    position, which takes a sixth of the time of a read through HDF5 and needs no state, so that a
    process may go on reading after a fork.
    """

    def __init__(self, path: Path, num_bytes: int, index: Path | None) -> None:
        self._path, self._index = path, index
        # What the index says of its shards holds as long as they are the same files. Reading all
        # attributes again would take longer than reading a clip.
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            raise UserError(
                f"{path}: no such file; delete {index} and give the same command again"
            ) from None
        if found != num_bytes:
            raise self._damaged(f"{found} bytes, and {num_bytes} when its index was made")
        try:
            with open_hdf5(path, also=index) as file:
                self.offset: npt.NDArray[np.int64] = file["offset"][()]
                # Shards of the first versions have none.
                self.crc32 = file["crc32"][()] if "crc32" in file else None
                frames = file["frames"]
                self.piece_bytes: int = frames.chunks[0]
                pieces: list[Any] = []
                frames.id.chunk_iter(pieces.append)
        except UserError:
            raise
        except Exception as error:  # HDF5 raises many kinds for a damaged file
            raise self._damaged(error) from None
        self.position_of = {
            piece.chunk_offset[0] // self.piece_bytes: piece.byte_offset for piece in pieces
        }
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, first: int, stop: int) -> list[ImageBytes]:
        """Images first..stop-1 of the shard; raises UserError where one is not what was written.

        A flipped bit in a JPEG file often gives another picture and no error.
        """
        bounds = self.offset[first : stop + 1].tolist()
        data = self._bytes(bounds[0], bounds[-1])
        images = [
            data[begin - bounds[0] : end - bounds[0]] for begin, end in itertools.pairwise(bounds)
        ]
        if self.crc32 is not None:
            for number, expected in enumerate(self.crc32[first:stop].tolist()):
                if zlib.crc32(images[number].data) != expected:
                    raise self._damaged(f"image {first + number} is not what was written")
        return images

    def _bytes(self, begin: int, end: int) -> ImageBytes:
        data = np.empty(end - begin, np.uint8)
        done = begin
        while done < end:
            number, within = divmod(done, self.piece_bytes)
            stop = min(end, (number + 1) * self.piece_bytes)
            into = data[done - begin : stop - begin].data
            try:
                count = os.preadv(self.descriptor, [into], self.position_of[number] + within)
            except (KeyError, OSError) as error:
                raise self._damaged(error) from None
            if not count:
                raise self._damaged("it ends too early")
            done += count
        return data

    def close(self) -> None:
        os.close(self.descriptor)

    def _damaged(self, reason: object) -> UserError:
        return digests.damaged(self._path, f"damaged: {reason}", also=self._index)


class ShardIndex:
    """All videos of one dataset and kind, found through `rgb.index` or `flow.index`.

    `required` (see `layout.required_attributes`) is what the caller asks of the shards: another
    format version, kind, resize, frame rate or bound raises UserError naming both values.
    """

    def __init__(self, path: str | Path, required: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        self._required = dict(required or {})
        with open_hdf5(self.path) as file:
            digests.check_seal(self.path, file)
            self.attributes = read_attributes(file.attrs)
            check_attributes(self.path, self.attributes, self._required)
            columns = read_columns(self.path, file, (*VIDEO_COLUMNS, "shard"))
            self._shard_paths = [self.path.parent / name for name in file["shard/path"].asstr()[()]]
            self._shard_bytes: list[int] = file["shard/bytes"][()].tolist()
        self.ids: list[str] = columns.pop("id")
        # One record a video: the fields of VideoRow behind its id, then its shard.
        self._records = np.rec.fromarrays(list(columns.values())).view(np.ndarray)
        self._rows = {video_id: row for row, video_id in enumerate(self.ids)}
        self._open: OrderedDict[int, _OpenShard] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self._required)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._rows

    def video(self, video_id: str) -> VideoRow:
        """What is stored for a video: number of images and frames, size, frame rate."""
        return VideoRow(video_id, *self._record(video_id)[:-1])

    def read_images(self, video_id: str, start: int, stop: int) -> list[ImageBytes]:
        """Images start..stop-1 of a video, encoded, in one contiguous read.

        Raises IndexError outside 0..num_images.
        """
        *row, shard = self._record(video_id)
        video = VideoRow(video_id, *row)
        if not 0 <= start <= stop <= video.num_images:
            raise IndexError(f"{video_id}: images {start} to {stop}; it has {video.num_images}")
        first = video.first_image + start
        return self._shard(shard).read(first, first + stop - start)

    def iter_images(self, video_id: str, indices: Iterable[int]) -> Iterator[ImageBytes]:
        """Images of a video, encoded; neighbours in ascending order are read together."""
        for run in neighbours(indices):
            yield from self.read_images(video_id, run.start, run.stop)

    def close(self) -> None:
        """Close the open shards; reading opens them again."""
        for shard in self._open.values():
            shard.close()
        self._open.clear()

    def _record(self, video_id: str) -> tuple[Any, ...]:
        try:
            record: tuple[Any, ...] = self._records[self._rows[video_id]].item()
            return record
        except KeyError:
            raise UserError(f"{self.path}: no video {video_id!r} among its {len(self)}") from None

    def _shard(self, number: int) -> _OpenShard:
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        if len(self._open) >= OPEN_SHARDS:
            self._open.popitem(last=False)[1].close()
        shard = _OpenShard(self._shard_paths[number], self._shard_bytes[number], self.path)
        self._open[number] = shard
        return shard


def verify_shard(path: Path) -> bool:
    """Check tables, attributes and every image of a shard; False where it has no digests.

    Raises UserError for the first thing that is not what was written.
    """
    # Its index remembers a shard: both go, or the workflow does not make the shard again.
    index = path.parent.with_suffix(".index")
    also = index if index.exists() else None
    with open_hdf5(path, also) as file:
        if not digests.check_seal(path, file, also) or "crc32" not in file:
            return False
    shard = _OpenShard(path, path.stat().st_size, also)
    try:
        images = len(shard.offset) - 1
        for first in range(0, images, BLOCK):
            shard.read(first, min(images, first + BLOCK))
    finally:
        shard.close()
    return True


def open_hdf5(path: Path, also: Path | None = None, **options: Any) -> h5py.File:
    """An HDF5 file for reading, without locks; raises UserError where it is absent or another.

    `also`: see `digests.damaged`.
    """
    try:
        return h5py.File(path, "r", locking=False, **options)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise digests.damaged(path, f"not a readable HDF5 file ({error})", also) from None


def read_columns(path: Path, file: h5py.File, names: Iterable[str]) -> dict[str, Any]:
    """Columns of a `/video` table: `id` as a list of text, the others as arrays."""
    if missing := [name for name in names if f"video/{name}" not in file]:
        raise UserError(f"{path}: no /video/{missing[0]}; not a shard or index of this program")
    return {
        name: file["video/id"].asstr()[()].tolist() if name == "id" else file[f"video/{name}"][()]
        for name in names
    }


def neighbours(indices: Iterable[int]) -> Iterator[range]:
    """Indices as ranges of neighbours.

    >>> list(neighbours([1, 2, 3, 7, 6]))
    [range(1, 4), range(7, 8), range(6, 7)]
    """
    start = stop = 0
    for index in indices:
        if index != stop:
            if stop > start:
                yield range(start, stop)
            start = index
        stop = index + 1
    if stop > start:
        yield range(start, stop)
