"""The checksums that a rar keeps of its files, for programs that unpack without looking at them.

libarchive (bsdtar) is one: it takes stored files as they come. Both formats are a chain of headers,
each saying how many bytes of data follow it; the fields are those of RARLAB's technical notes.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

RAR4 = b"Rar!\x1a\x07\x00"
RAR5 = b"Rar!\x1a\x07\x01\x00"
CHUNK_BYTES = 1 << 20

Checksum = tuple[int, int]  # bytes, CRC32


def is_rar(start: bytes) -> bool:
    """Whether a file that starts so is a rar of either format."""
    return start.startswith((RAR4, RAR5))


def damaged_files(archive: Path, folder: Path) -> int:
    """How many of the archive's files are not in the folder with the bytes that went in."""
    with open(archive, "rb") as file:
        headers = _rar5_checksums if file.read(len(RAR5)) == RAR5 else _rar4_checksums
        kept = Counter(headers(file))
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    found = Counter(_checksum(path) for path in paths)
    return (kept - found).total()


def _checksum(path: Path) -> Checksum:
    size = crc = 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
    return size, crc


def _rar4_checksums(file: IO[bytes]) -> Iterator[Checksum]:
    """Of the regular files of a RAR 4 archive that lie in it as a whole."""
    file.seek(len(RAR4))
    while len(header := file.read(7)) == 7:
        _, kind, flags, size = struct.unpack("<HBHH", header)
        fields = file.read(size - 7)
        data = struct.unpack_from("<I", fields)[0] if flags & 0x8000 and len(fields) >= 4 else 0
        if kind == 0x74 and len(fields) >= 25:
            unpacked, system, crc = struct.unpack_from("<IBI", fields, 4)
            mode = struct.unpack_from("<I", fields, 21)[0]
            if flags & 0x100:  # of more than 4 GB: the upper halves of both sizes
                data += struct.unpack_from("<I", fields, 25)[0] << 32
                unpacked += struct.unpack_from("<I", fields, 29)[0] << 32
            folder, divided = flags & 0xE0 == 0xE0, flags & 0x03
            link = system == 3 and mode & 0xF000 == 0xA000  # on Unix
            if not (folder or divided or link):
                yield unpacked, crc
        file.seek(data, 1)


def _rar5_checksums(file: IO[bytes]) -> Iterator[Checksum]:
    """Of the regular files of a RAR 5 archive that lie in it as a whole and keep a CRC32."""
    while len(file.read(4)) == 4:  # the header's own checksum
        size = _number(file)
        start = file.tell()
        kind, flags = _number(file), _number(file)
        if flags & 0x01:
            _number(file)  # bytes of the extra area
        data = _number(file) if flags & 0x02 else 0
        if kind == 2 and not flags & 0x18:  # 0x18: continues from or in another volume
            about, unpacked, _ = _number(file), _number(file), _number(file)
            if about & 0x02:
                file.seek(4, 1)  # time
            if about & 0x04 and not about & 0x01:  # has a CRC32, is no folder
                yield unpacked, int.from_bytes(file.read(4), "little")
        file.seek(start + size + data)


def _number(file: IO[bytes]) -> int:
    """A number of RAR 5: seven bits a byte, the lowest first, until a byte below 128."""
    value = shift = 0
    while byte := file.read(1):
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            break
        shift += 7
    return value
