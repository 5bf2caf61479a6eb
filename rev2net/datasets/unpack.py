"""Opening one archive, zip, tar or rar, so that nothing lands outside the folder it is given.

Zip and tar are read by Python. Rar is not a free format: a program that reads it has to be on PATH.
"""

import errno
import gzip
import lzma
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import rarfile

from rev2net.errors import UserError
from rev2net.files import disk_is_full
from rev2net.processes import child_environment

SUFFIXES = (".rar", ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
COPY_BYTES = 1 << 20

# Programs that unpack a rar, the most complete first. They run in the empty folder that they fill
# and get the archive's absolute path; a password would be asked for on a terminal: there is none.
_RAR_PROGRAMS = {
    "unrar": ("unrar", "x", "-idq", "-o+", "-p-"),
    "7zz": ("7zz", "x", "-y", "-bso0", "-bsp0", "-p-"),
    "7z": ("7z", "x", "-y", "-bso0", "-bsp0", "-p-"),
    "unar": ("unar", "-quiet", "-force-overwrite", "-no-directory"),
    "bsdtar": ("bsdtar", "-x", "-f"),
}
_DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile),
    *(EOFError, zlib.error, lzma.LZMAError, rarfile.Error),
)
_SPLIT = rarfile.RAR_FILE_SPLIT_BEFORE | rarfile.RAR_FILE_SPLIT_AFTER


def is_archive(name: str) -> bool:
    """Whether a file is named like an archive that can be unpacked."""
    return name.lower().endswith(SUFFIXES)


def archive_stem(name: str) -> str:
    """The name of an archive without its ending.

    >>> archive_stem("part_0.tar.gz")
    'part_0'
    """
    endings = [suffix for suffix in SUFFIXES if name.lower().endswith(suffix)]
    return name[: -len(max(endings, key=len))] if endings else name


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of an archive below `folder`, which must exist and be empty.

    Links and special files are left out. Raises UserError for a file that is no archive or is
    damaged or encrypted, a member that would land outside the folder, a full disk, and, for rar,
    where no program that reads it is on PATH.
    """
    try:
        with open(archive, "rb") as file:
            start = file.read(16)
        if rarfile.is_rarfile(archive):
            _unpack_rar(archive, folder)
        elif start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            _write(_zip_members(archive), archive, folder)
        else:
            _write(_tar_members(archive), archive, folder)
    except _DAMAGED as error:
        reason = (str(error).splitlines() or ["it ends too early"])[0]
        raise UserError(
            f"{archive}: damaged, or no rar, zip or tar ({reason}; it starts with {start!r})"
        ) from None
    except OSError as error:
        if disk_is_full(error):
            raise UserError(f"{archive}: {_full(folder)}") from None
        raise UserError(f"{archive}: {error.strerror or error}") from None


def _full(folder: Path) -> str:
    gigabytes = shutil.disk_usage(folder).free / 1e9
    return f"no space left to unpack it in {folder.parent} ({gigabytes:.1f} GB free)"


def _write(members: Iterator[tuple[str, IO[bytes]]], archive: Path, folder: Path) -> None:
    for name, content in members:
        # Backslashes are separators on the systems where such archives are made.
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or parts[0] == "/" or ".." in parts or parts[0].endswith(":"):
            raise UserError(f"{archive}: holds {name!r}, which would land outside its folder")
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as file:
            shutil.copyfileobj(content, file, COPY_BYTES)


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as file:
        # Of a zip that ends too early, the table of a zip inside it is the last one there is.
        if min((info.header_offset for info in file.infolist()), default=0) > 0:
            raise zipfile.BadZipFile("it ends too early: the only table is of a zip inside it")
        for info in file.infolist():
            mode = info.external_attr >> 16
            if info.is_dir() or (stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
                continue
            if info.flag_bits & 1:
                raise UserError(f"{archive}: is encrypted; unpack it yourself")
            try:
                content = file.open(info)
            except NotImplementedError as error:
                raise UserError(f"{archive}: {info.filename!r}: {error}") from None
            with content:
                yield info.filename, content


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive, "r:*") as file:
        for member in file:
            content = file.extractfile(member) if member.isreg() else None
            if content is not None:
                with content:
                    yield member.name, content
        # The checksum of a compressed tar stands at its end, beyond the last file.
        while file.fileobj is not None and file.fileobj.read(COPY_BYTES):
            pass


def _unpack_rar(archive: Path, folder: Path) -> None:
    """With the first program that can; some builds of 7-Zip and unrar read only a part of rar."""
    failures = []
    for name, command in _RAR_PROGRAMS.items():
        if shutil.which(name) is None:
            continue
        result = subprocess.run(
            [*command, str(archive.resolve())],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=child_environment(),
            check=False,
        )
        if result.returncode == 0:
            if name == "bsdtar" and (damaged := damaged_files(archive, folder)):
                raise UserError(f"{archive}: damaged: {damaged} files differ from their checksums")
            return
        if os.strerror(errno.ENOSPC) in result.stdout:
            raise UserError(f"{archive}: {_full(folder)}")
        lines = [line.strip() for line in result.stdout.splitlines() if line.strip()]
        failures.append(f"{name}: {lines[0] if lines else f'exit code {result.returncode}'}")
        shutil.rmtree(folder)
        folder.mkdir()
    if not failures:
        raise UserError(
            f"{archive}: no program on PATH reads rar; install one of {', '.join(_RAR_PROGRAMS)} "
            "(bsdtar is Debian's libarchive-tools), or unpack it yourself"
        )
    raise UserError(f"{archive}: cannot be unpacked ({'; '.join(failures)})")


def damaged_files(archive: Path, folder: Path) -> int:
    """How many files of a rar are not in the folder with the bytes that its checksums tell.

    For programs that unpack without looking at them: libarchive takes stored files as they come.
    """
    with rarfile.RarFile(archive, part_only=True) as file:
        whole = [info for info in file.infolist() if info.is_file() and not info.flags & _SPLIT]
    kept = Counter((info.file_size, info.CRC) for info in whole if info.CRC is not None)
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return (kept - Counter(map(_size_and_checksum, paths))).total()


def _size_and_checksum(path: Path) -> tuple[int, int]:
    crc = 0
    with open(path, "rb") as file:
        while chunk := file.read(COPY_BYTES):
            crc = zlib.crc32(chunk, crc)
        return file.tell(), crc
