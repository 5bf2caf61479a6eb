"""Writing one shard, image by image, in memory that grows with neither video nor shard."""

import contextlib
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from rev2net import digests
from rev2net.shards.layout import Attribute
from rev2net.video.images import ImageBytes

CHUNK_BYTES = 1 << 20


class VideoRow(NamedTuple):
    """One row of a shard's `/video` table."""

    id: str
    first_image: int
    num_images: int
    num_frames: int  # frames decoded, T; a flow video holds T - 1 images
    height: int  # pixels as stored, of one flow component
    width: int
    fps: float  # frames per second as stored


VIDEO_COLUMNS = VideoRow._fields
_DTYPES = {"id": h5py.string_dtype(), "fps": np.float64}  # all others are whole numbers


class ShardWriter:
    """An open shard: append images, then keep them as a video or drop them."""

    def __init__(self, file: h5py.File, attributes: Mapping[str, Attribute]) -> None:
        for name, value in attributes.items():
            file.attrs[name] = value
        self._file = file
        self._frames = file.create_dataset(
            "frames", (0,), np.uint8, maxshape=(None,), chunks=(CHUNK_BYTES,), fill_time="never"
        )
        self._offsets = array("q", [0])
        self._checksums = array("I")  # of the encoded images
        self._rows: list[VideoRow] = []
        self._first_image = 0  # of the video being written
        self._pending = np.empty(CHUNK_BYTES, np.uint8)  # bytes that are not in the file yet
        self._num_pending = 0
        self._written = 0  # bytes

    @property
    def num_images(self) -> int:
        """Images of the video being written."""
        return len(self._offsets) - 1 - self._first_image

    def append(self, image: ImageBytes) -> None:
        """Add one encoded image to the video being written."""
        self._offsets.append(self._offsets[-1] + len(image))
        self._checksums.append(zlib.crc32(image.data))
        if self._num_pending + len(image) > CHUNK_BYTES:
            self._flush()
        if len(image) > CHUNK_BYTES:
            self._write(image)
        else:
            self._pending[self._num_pending : self._num_pending + len(image)] = image
            self._num_pending += len(image)

    def keep_video(
        self, video_id: str, *, num_frames: int, height: int, width: int, fps: float
    ) -> None:
        """Keep the images since the last video as those of `video_id`."""
        self._rows.append(
            VideoRow(video_id, self._first_image, self.num_images, num_frames, height, width, fps)
        )
        self._first_image += self.num_images

    def drop_video(self) -> None:
        """Drop the images since the last video; the next one overwrites their bytes."""
        del self._offsets[self._first_image + 1 :]
        del self._checksums[self._first_image :]
        self._num_pending = max(0, self._offsets[-1] - self._written)
        self._written = min(self._offsets[-1], self._written)

    def close(self) -> None:
        """Write what is left, and the tables."""
        self._flush()
        self._frames.resize((self._written,))
        self._file.create_dataset("offset", data=np.frombuffer(self._offsets, np.int64))
        self._file.create_dataset("crc32", data=np.array(self._checksums, np.uint32))
        columns = {name: [getattr(row, name) for row in self._rows] for name in VIDEO_COLUMNS}
        write_columns(self._file, columns)

    def _flush(self) -> None:
        self._write(self._pending[: self._num_pending])
        self._num_pending = 0

    def _write(self, data: ImageBytes) -> None:
        end = self._written + len(data)
        if end > len(self._frames):
            self._frames.resize((end,))
        self._frames[self._written : end] = data
        self._written = end


def write_columns(file: h5py.File, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns of a `/video` table, a dataset each."""
    for name, column in columns.items():
        dtype = _DTYPES.get(name, np.int64)
        file.create_dataset(f"video/{name}", data=np.array(column, dtype), dtype=dtype)


@contextlib.contextmanager
def write_shard(path: Path, attributes: Mapping[str, Attribute]) -> Iterator[ShardWriter]:
    """A `ShardWriter`; its file appears at `path`, whole, when the block ends without exception."""
    # No chunk cache, no fill: bytes go to the file once.
    with digests.write_hdf5(path, rdcc_nbytes=0) as file:
        writer = ShardWriter(file, attributes)
        yield writer
        writer.close()
