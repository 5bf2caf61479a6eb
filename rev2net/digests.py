"""Whether a finished file still holds what was written: its digest, and one line where it does not.

A text file has its SHA-256 in a hidden file beside it, as `sha256sum -c` reads it; an HDF5 file
carries one over its tables and attributes as an attribute (the seal). Checkpoints are zip files,
which have checksums of their own, and the images of a shard have one each (`/crc32`).
Files without a digest are accepted: they may be a person's own.
"""

import contextlib
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rev2net import files
from rev2net.errors import UserError
from rev2net.runs.identity import TRAINING_PATTERN

# HDF5's layout since 1.10 has checksums in its own structures. Damaged files of the older layout,
# which is h5py's default, can crash or hang the library: 3 of 1,500 did; of this one, 0 of 2,500.
LIBVER = "v110"
SEAL = "digest"  # the attribute of an HDF5 file
CHANGED = "damaged: its content is not what was written"
RUN_FOLDER = re.compile(TRAINING_PATTERN.rpartition("/")[2])  # the last part of a run's path
UNSEALED = ("frames",)  # datasets too large to read at every opening


def damaged(path: Path, reason: object, also: Path | None = None) -> UserError:
    """The one line about a file that is damaged or of another kind, and what to do about it.

    `also` is a file that must go with it, so that the workflow makes both again.
    """
    what = "it" if also is None else f"it and {also}"
    line = " ".join(str(reason).split())
    return UserError(
        f"{path}: {line}; if the workflow made this file, delete {what} and give the same command "
        f"again"
    )


def unreadable_checkpoint(path: Path, reason: object) -> UserError:
    """The one line about a file that is no whole checkpoint.

    Only what lies where a training leaves its own is said to be made again: any other file is
    somebody's.
    """
    if RUN_FOLDER.fullmatch(path.absolute().parent.name):
        return damaged(path, reason)
    line = " ".join(str(reason).split())
    return UserError(f"{path}: {line}; needed: a checkpoint.pt of `rev2net stage train`, whole")


def digest_path(path: Path) -> Path:
    """The hidden file that holds the digest of a text file.

    >>> digest_path(Path("splits/split1.csv")).as_posix()
    'splits/.split1.csv.sha256'
    """
    return path.with_name(f".{files.short_name(path.name, files.NAME_BYTES - 8)}.sha256")


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file, whole or not at all, and its digest beside it."""
    beside = digest_path(path)
    # Killed between the two writes, the file has no digest rather than another one's.
    beside.unlink(missing_ok=True)
    files.write_text(path, text)
    digest = hashlib.sha256(files.to_bytes(text)).hexdigest()
    files.write_text(beside, f"{digest}  {path.name}\n")


def check_text(path: Path) -> bool:
    """Raise UserError where a text file is not what was written; False where it has no digest."""
    try:
        recorded = digest_path(path).read_text(encoding="utf-8", errors="replace").split()
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    if recorded[:1] != [hashlib.sha256(content).hexdigest()]:
        raise UserError(
            f"{path}: {CHANGED}; delete it and give the same command again, or delete "
            f"{digest_path(path).name} if you changed it on purpose"
        )
    return True


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of ours; raises UserError where it is absent, damaged or none."""
    check_text(path)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    return content


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def write_hdf5(path: Path, **options: Any) -> Iterator[Any]:
    """A new HDF5 file; at `path`, sealed and whole, when the block ends without an exception."""
    import h5py  # not for text files

    # No lock: the file has a name of its own until it is whole, and some file systems have none.
    with (
        files.atomic_path(path) as temporary,
        h5py.File(temporary, "w", libver=LIBVER, locking=False, **options) as file,
    ):
        yield file
        seal(file)


@contextlib.contextmanager
def read_hdf5(path: Path, what: str) -> Iterator[Any]:
    """An intact HDF5 file; raises UserError where it is absent, damaged or, by what the block finds
    missing in it, not `what` ("a scores file").
    """
    import h5py

    try:
        with h5py.File(path, "r", locking=False) as file:
            check_seal(path, file)
            yield file
    except FileNotFoundError:
        raise UserError(f"{path}: no such {what.partition(' ')[2]}") from None
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = error.args[0] if error.args else error  # without the quotes of KeyError
        raise damaged(path, f"not {what} ({reason})") from None


def seal(file: Any) -> None:
    """Write the digest of an open HDF5 file into it: the last thing to do."""
    file.attrs[SEAL] = _content_digest(file)


def check_seal(path: Path, file: Any, also: Path | None = None) -> bool:
    """Raise UserError where an open HDF5 file differs from its seal; False where it has none.

    `also`: see `damaged`.
    """
    try:
        if SEAL not in file.attrs:
            return False
        intact = file.attrs[SEAL] == _content_digest(file)
    except Exception as error:  # HDF5 raises many kinds for a damaged file
        raise damaged(path, f"damaged ({error})", also) from None
    if not intact:
        raise damaged(path, CHANGED, also)
    return True


def check_zip(path: Path) -> None:
    """Raise UserError where a checkpoint's checksums fail; torch.load looks at none of them."""
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except Exception as error:  # zipfile raises many kinds for a damaged file
        raise unreadable_checkpoint(path, f"not a readable checkpoint ({error})") from None
    if bad is not None:
        raise unreadable_checkpoint(path, f"damaged: {bad} in it is not what was written")


def _content_digest(file: Any) -> str:
    """SHA-256 over names, types, shapes and values of all attributes and tables, by name."""
    total = hashlib.sha256()
    for name, value in sorted(file.attrs.items()):
        if name != SEAL:
            plain = value.tolist() if hasattr(value, "tolist") else value
            total.update(repr((name, plain)).encode())
    names: list[str] = []
    file.visit(names.append)
    tables = {name: file[name] for name in names if hasattr(file[name], "dtype")}
    for name, table in sorted(tables.items()):
        if name in UNSEALED:
            continue
        values = table[()]
        total.update(repr((name, table.dtype.str, table.shape)).encode())
        if values.dtype == object:  # text, as a list of bytes of any lengths
            total.update(repr([len(text) for text in values.flat]).encode())
            total.update(b"".join(values.flat))
        else:
            total.update(values.tobytes())
    return total.hexdigest()
