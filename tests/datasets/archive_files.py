"""Archives made on the spot; rar ones byte by byte, since no free program writes them.

They store without compressing, and follow the public technical notes on RAR 4 and RAR 5.
"""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Content = Mapping[str, bytes]  # name in the archive -> bytes


def write_zip(path: Path, content: Content) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return path


def write_tar(path: Path, content: Content) -> Path:
    compression = {".gz": "gz", ".tgz": "gz", ".xz": "xz", ".bz2": "bz2"}.get(path.suffix, "")
    mode: Any = f"w:{compression}"  # its type is a list of literals
    with tarfile.open(path, mode) as file:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return path


def write_rar5(path: Path, content: Content) -> Path:
    blocks = [_rar5_block(1, b"", _number(0))]  # the archive
    for name, data in content.items():
        encoded = name.encode()
        fields = (
            _number(4)  # a CRC32 of the data follows
            + _number(len(data))
            + _number(0o100644)
            + struct.pack("<I", zlib.crc32(data))
            + _number(0)  # stored
            + _number(1)  # Unix
            + _number(len(encoded))
            + encoded
        )
        blocks.append(_rar5_block(2, data, fields))
    blocks.append(_rar5_block(5, b"", _number(0)))  # the end
    path.write_bytes(b"Rar!\x1a\x07\x01\x00" + b"".join(blocks))
    return path


def _rar5_block(kind: int, data: bytes, fields: bytes) -> bytes:
    flags = _number(2) + _number(len(data)) if kind == 2 else _number(0)  # 2: data follow
    header = _number(kind) + flags + fields
    header = _number(len(header)) + header
    return struct.pack("<I", zlib.crc32(header)) + header + data


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def write_rar4(path: Path, content: Content) -> Path:
    """As the published UCF101 and HMDB51 archives, which are older than RAR 5."""
    blocks = [_rar4_block(0x73, 0, bytes(6))]
    for name, data in content.items():
        encoded = name.replace("/", "\\").encode()
        fields = struct.pack(
            "<IIBIIBBHI",
            *(len(data), len(data), 3, zlib.crc32(data), 0x40000000, 20, 0x30),
            *(len(encoded), 0o100644),
        )
        blocks.append(_rar4_block(0x74, 0x8000, fields + encoded) + data)
    blocks.append(_rar4_block(0x7B, 0x4000, b""))
    path.write_bytes(b"Rar!\x1a\x07\x00" + b"".join(blocks))
    return path


def _rar4_block(kind: int, flags: int, fields: bytes) -> bytes:
    header = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
    return struct.pack("<H", zlib.crc32(header) & 0xFFFF) + header


WRITERS: dict[str, Callable[[Path, Content], Path]] = {
    "zip": write_zip,
    "tar": write_tar,
    "tar.gz": write_tar,
    "rar": write_rar4,
}
