"""Files: written whole or not at all (beside their name, flushed, renamed); which are videos."""

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rev2net.errors import MachineError, UserError

NAME_BYTES = 255  # of a file's name, on nearly every file system
# What is taken for a video where a folder is looked through.
VIDEO_SUFFIXES = (
    *(".avi", ".mp4", ".mkv", ".webm", ".mov", ".mpg", ".mpeg", ".wmv", ".flv", ".m4v"),
    *(".ts", ".3gp", ".ogv", ".gif"),
)


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` when the block ends without an exception.

    What a killed job left behind is removed by the next one that writes the same target; a job that
    still runs then fails at its end, so that two jobs never write one file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    stem = f".{short_name(target.name, NAME_BYTES - 24)}."
    for leftover in leftovers(target.parent, stem):
        leftover.unlink(missing_ok=True)
    temporary = target.with_name(f"{stem}{os.getpid()}.part")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def leftovers(folder: Path, stem: str) -> list[Path]:
    """What killed processes left beside a target: `<stem><number of the process>.part`."""
    pattern = re.compile(re.escape(stem) + r"\d+\.part")
    return [path for path in folder.iterdir() if pattern.fullmatch(path.name)]


def short_name(name: str, limit: int = NAME_BYTES) -> str:
    """A file name of at most `limit` bytes: itself, or its beginning and a digest of it.

    >>> short_name("v_Archery_g01_c01.png"), len(short_name("x" * 300))
    ('v_Archery_g01_c01.png', 255)
    """
    if len(os.fsencode(name)) <= limit:
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    start = name[:limit]
    while len(os.fsencode(start)) > limit - len(digest) - 1:
        start = start[:-1]
    return f"{start}-{digest}"


def to_bytes(text: str) -> bytes:
    """Text as UTF-8; of a file's name that is none, the bytes that the name is made of."""
    return text.encode("utf-8", errors="surrogateescape")


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file, whole or not at all; line ends are written as they are."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(to_bytes(text))


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV, an empty cell for None."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def json_lines(path: Path, *, unfinished: bool = False) -> list[dict[str, Any]]:
    """The objects of a file, one a line; of an unfinished one up to the last whole line.

    Raises UserError for another line.
    """
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError as error:
            if unfinished:
                break
            raise UserError(f"{path}: not JSON ({error})") from None
    return found


# What the system says where no file is to blame, nor the program.
TROUBLES = {
    *(errno.EIO, errno.ENXIO, errno.EROFS, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOLCK, errno.EACCES),
    *(errno.EPERM, errno.EBUSY, errno.EHOSTDOWN, errno.EREMOTEIO),
}


# What it says of a name that a person gave.
_NAMES = {
    *(errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
}


def machine_trouble(error: BaseException) -> str | None:
    """One line about an exception that is the machine's trouble, None for a programming error."""
    if isinstance(error, MachineError):
        return str(error)
    if disk_is_full(error):
        return (
            "no space left on the disk; nothing half-written counts as done: free some space and "
            "give the same command again"
        )
    if isinstance(error, MemoryError) or "DefaultCPUAllocator: " in str(error):
        return "out of memory; give the job more"
    if isinstance(error, OSError) and error.errno in TROUBLES | _NAMES:
        name = error.filename2 or error.filename  # of a renaming, what it was to become
        return f"{name}: {error.strerror}" if name is not None else error.strerror
    return None


def disk_is_full(error: BaseException | None) -> bool:
    """Whether an exception, or one that it arose from, is a full disk or an exhausted quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False
