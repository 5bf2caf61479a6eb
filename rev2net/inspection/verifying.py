"""Whether finished files still hold what was written."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from rev2net import digests
from rev2net.errors import UserError
from rev2net.shards.layout import KINDS
from rev2net.shards.reader import open_hdf5, verify_shard


def verify(paths: Iterable[Path]) -> None:
    """Print a line for each file: ok, damaged, or unknown (no digest was recorded).

    Folders are searched; what is unknown in them is only counted. Raises UserError where a file is
    damaged.
    """
    counts: Counter[str] = Counter()
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
        for file in _files(path):
            try:
                status, reason = ("ok" if _is_intact(file) else "unknown"), ""
            except UserError as error:
                status, reason = "damaged", str(error)
            counts[status] += 1
            if status != "unknown" or file == path:
                print(f"{status:<8} {reason or file}", flush=True)
    print(", ".join(f"{counts[status]} {status}" for status in ("ok", "damaged", "unknown")))
    if counts["damaged"]:
        raise UserError(f"{counts['damaged']} of {counts.total()} files are damaged, see above")


def _files(path: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """The file, or the files below a folder; hidden ones are not ours to judge.

    A link that leads to nothing, or to a folder that it lies in, is left out.
    """
    if path.is_file():
        yield path
    elif path.is_dir() and path.resolve() not in above:
        for entry in sorted(path.iterdir()):
            if not entry.name.startswith("."):
                yield from _files(entry, above | {path.resolve()})


def _is_intact(path: Path) -> bool:
    """False where no digest is known; raises UserError for a damaged file."""
    if path.suffix == ".pt":
        digests.check_zip(path)
        return True
    if path.suffix not in (".h5", ".index"):
        return digests.check_text(path)
    if path.parent.name.startswith(KINDS):  # <kind>-<digest>/<i>.h5
        return verify_shard(path)
    with open_hdf5(path) as file:
        return digests.check_seal(path, file)
