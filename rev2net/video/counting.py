"""How many frames a container announces, read from its own tables: AVI and the MP4 family.

Counted are frames that are to be shown. An AVI fills its slots of time with empty chunks where
there is no new frame; an edit list of an MP4 hides what lies before and after a cut. Other
containers keep no count: duration times rate is a guess, and wrong for variable rates.

AVI: "OpenDML AVI File Format Extensions" 1.02. MP4: ISO/IEC 14496-12.
"""

import os
import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from rev2net.video.ffmpeg import InputFacts

_CHUNK_HEAD = 8  # bytes of an empty chunk
MAX_TABLE_BYTES = 1 << 28  # longer than any table of a clip
_INDEX_ENTRY = np.dtype([("name", "S4"), ("flags", "<u4"), ("place", "<u4"), ("size", "<u4")])


def announced_frames(path: str | Path, facts: InputFacts) -> int | None:
    """The frames that the container announces for the stream decoded; None where it keeps no count.

    A file that cannot be followed announces nothing.
    """
    count = {"avi": _avi_frames, "mov": _mov_frames}.get(facts.container)
    if count is None:
        return None
    try:
        with open(path, "rb") as file:
            found = count(file, facts.stream)
    except (struct.error, ValueError, IndexError):
        return None
    return found if found is not None and found > 0 else None


@dataclass(frozen=True)
class _Part:
    """A chunk of an AVI, or a box of an MP4: where its content lies."""

    name: bytes
    start: int
    end: int


def _avi_frames(file: IO[bytes], stream: int) -> int | None:
    """The slots that the stream's header counts, less those that are empty."""
    slots: int | None = None
    empty = indexed = empty_in_index = 0
    number = b"%02d" % stream
    end = os.fstat(file.fileno()).st_size
    for riff in _chunks(file, 0, end):
        for part in _chunks(file, riff.start + 4, riff.end):
            kind = _read(file, part.start, 4) if part.name == b"LIST" else b""
            if kind == b"hdrl":
                slots = _slots(file, part, stream)
            elif kind == b"movi":
                empty += _empty_chunks(file, part, number)
            elif part.name == b"idx1":
                entries = np.frombuffer(_content(file, part), _INDEX_ENTRY)
                ours = entries[np.isin(entries["name"], [number + b"dc", number + b"db"])]
                indexed += len(ours)
                empty_in_index += int((ours["size"] == 0).sum())
    # A recording that was never finished has no length, or one that no file could hold.
    if not slots or (indexed and slots * _CHUNK_HEAD > end):
        slots = indexed
    # Damage hides chunks from one of the two.
    return slots - max(empty, empty_in_index)


def _slots(file: IO[bytes], header: _Part, stream: int) -> int | None:
    """The length of a stream, in slots."""
    lists = [
        part
        for part in _chunks(file, header.start + 4, header.end)
        if part.name == b"LIST" and _read(file, part.start, 4) == b"strl"
    ]
    for part in _chunks(file, lists[stream].start + 4, lists[stream].end):
        if part.name == b"strh":
            fields = _content(file, part)
            return int(struct.unpack_from("<I", fields, 32)[0]) if fields[:4] == b"vids" else None
    return None


def _empty_chunks(file: IO[bytes], movie: _Part, number: bytes) -> int:
    """How many chunks of a stream hold nothing."""
    empty = 0
    for part in _chunks(file, movie.start + 4, movie.end):
        if part.name == b"LIST" and _read(file, part.start, 4) == b"rec ":
            empty += _empty_chunks(file, part, number)
        elif part.name in (number + b"dc", number + b"db") and part.start == part.end:
            empty += 1
    return empty


def _chunks(file: IO[bytes], start: int, end: int) -> Iterator[_Part]:
    """The chunks of a RIFF file between two places; one that is cut off ends with the file."""
    while start + 8 <= end:
        name, size = struct.unpack("<4sI", _read(file, start, 8))
        if not name.strip(b"\0"):
            return  # filled up with zeros
        yield _Part(name, start + 8, min(start + 8 + size, end))
        start += 8 + size + size % 2


def _mov_frames(file: IO[bytes], stream: int) -> int | None:
    """The samples of a track that its edit list shows."""
    end = os.fstat(file.fileno()).st_size
    movie = _inside(file, _Part(b"", 0, end), b"moov")
    boxes = list(_boxes(file, movie.start, movie.end))
    if any(box.name == b"mvex" for box in boxes):
        return None  # in fragments, each with its own count
    track = [box for box in boxes if box.name == b"trak"][stream]
    if _content(file, track, b"mdia", b"hdlr")[8:12] != b"vide":
        return None
    table = _inside(file, track, b"mdia", b"minf", b"stbl")
    count = int(struct.unpack_from(">I", _content(file, table, b"stsz"), 8)[0])
    edits = _edits(file, track)
    if not edits:
        return count
    times = _times(file, table, count)
    movie_scale = _timescale(_content(file, movie, b"mvhd"))
    media_scale = _timescale(_content(file, track, b"mdia", b"mdhd"))
    shown = 0
    for duration, start in edits:
        stop = start + duration * media_scale / movie_scale if duration else float("inf")
        shown += bisect_left(times, stop) - bisect_left(times, start)
    return shown


def _edits(file: IO[bytes], track: _Part) -> list[tuple[int, int]]:
    """(duration in the movie's units, start in the media's) of what is shown."""
    if not _holds(file, track, b"edts"):
        return []
    entries = _content(file, track, b"edts", b"elst")
    version, count = entries[0], struct.unpack_from(">I", entries, 4)[0]
    form, size = (">Qq4x", 20) if version else (">Ii4x", 12)
    found = [struct.unpack_from(form, entries, 8 + size * k) for k in range(count)]
    return [(duration, start) for duration, start in found if start >= 0]  # -1: a pause


def _times(file: IO[bytes], table: _Part, count: int) -> npt.NDArray[np.int64]:
    """When each sample is shown, ascending, in units of the media."""
    steps = _runs(_content(file, table, b"stts"), count)
    times = np.concatenate(([0], np.cumsum(steps[: count - 1])))
    if _holds(file, table, b"ctts"):
        times = times + _runs(_content(file, table, b"ctts"), count)
    return np.sort(times)


def _runs(table: bytes, count: int) -> npt.NDArray[np.int64]:
    """The value of each sample from a table of (samples, value)."""
    pairs = np.frombuffer(table, ">u4", offset=8)[: 2 * struct.unpack_from(">I", table, 4)[0]]
    lengths, values = pairs[::2].astype(np.int64), pairs[1::2].astype(np.int32).astype(np.int64)
    if lengths.sum() < count or lengths.max(initial=0) > count:
        raise ValueError("a table of other length")
    return np.repeat(values, lengths)[:count]


def _timescale(header: bytes) -> int:
    """Units a second, of a movie's or a media's header."""
    return int(struct.unpack_from(">I", header, 20 if header[0] else 12)[0])


def _holds(file: IO[bytes], outer: _Part, name: bytes) -> bool:
    return any(box.name == name for box in _boxes(file, outer.start, outer.end))


def _inside(file: IO[bytes], outer: _Part, *names: bytes) -> _Part:
    """The box that lies in the first of these names, in the next, and so on."""
    for name in names:
        found = (box for box in _boxes(file, outer.start, outer.end) if box.name == name)
        box = next(found, None)
        if box is None:
            raise ValueError(f"no box {name!r}")
        outer = box
    return outer


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[_Part]:
    """The boxes of an MP4 between two places."""
    while start + 8 <= end:
        size, name = struct.unpack(">I4s", _read(file, start, 8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", _read(file, start + 8, 8))[0], 16
        elif size == 0:
            size = end - start
        if size < head:
            return
        yield _Part(name, start + head, min(start + size, end))
        start += size


def _content(file: IO[bytes], part: _Part, *names: bytes) -> bytes:
    """The bytes of a part, or of a box inside it."""
    part = _inside(file, part, *names)
    if part.end - part.start > MAX_TABLE_BYTES:
        raise ValueError("a table without end")
    return _read(file, part.start, part.end - part.start)


def _read(file: IO[bytes], start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
