"""The archives of a dataset, unpacked once into the folder in which the dataset is published.

Archives differ in how they are packed (one rar, a rar of a rar a class, tars of loose files), so
their content is sorted by what it is: a video goes to `<videos>/<the folder it lies in>/`, a list
to `<lists>/`, everything else is left out. Files without a folder get one named like their archive.

A receipt in `<root>/.unpacked/` names what an archive brought: with all of it in place the archive
is not opened again. Content is unpacked beside it first; a killed job leaves no receipt.
"""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from rev2net.config import DatasetSettings
from rev2net.datasets.kinetics import SUFFIXES as VIDEO_SUFFIXES
from rev2net.datasets.unpack import archive_stem, is_archive, unpack
from rev2net.errors import UserError
from rev2net.files import write_text

LIST_SUFFIXES = {".txt", ".csv"}
RECEIPTS = ".unpacked"


@dataclass(frozen=True)
class Receipt:
    """What one archive brought; paths are relative to the dataset's root, `left_out` to it."""

    archive: str
    bytes: int
    files: list[str]
    left_out: list[str]


def archive_files(dataset: str, entries: Sequence[str]) -> list[Path]:
    """The archives that the entries name: files, and folders for all archives in them, by name.

    Raises UserError for an entry that is not there and for a folder without archives.
    """
    files = []
    for entry in map(Path, entries):
        if entry.is_dir():
            inside = sorted(path for path in entry.iterdir() if is_archive(path.name))
            inside = [path for path in inside if not path.name.startswith(".")]
            if not inside:
                raise UserError(f"datasets.{dataset}.archives: no rar, zip or tar in {entry}")
            files += inside
        elif entry.is_file():
            files.append(entry)
        else:
            raise UserError(f"datasets.{dataset}.archives: no file or folder {entry}")
    return files


def unpack_archives(settings: DatasetSettings, archives: Sequence[Path]) -> Iterator[Receipt]:
    """Unpack archives in their order into the dataset's root; a receipt for each, as it is done.

    What is there already is not unpacked again; jobs with the same root wait for each other. Where
    two archives bring a file of one name, in whatever folders, the later one replaces the earlier
    (Kinetics has one that mends corrupted videos). Raises UserError as `unpack` does, and where the
    disk cannot hold the content.
    """
    root = Path(settings.root)
    receipts = root / RECEIPTS
    try:
        receipts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{receipts}: cannot be written ({error.strerror})") from None
    places: dict[str, str] = {}  # of the archives so far, by file name
    paths = [receipts / f"{archive.name}-{archive.stat().st_size}.json" for archive in archives]
    with open(receipts / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number, (archive, path) in enumerate(zip(archives, paths, strict=True), 1):
            receipt = _in_place(path, root)
            if receipt is None:
                path.unlink(missing_ok=True)
                receipt = _unpack_one(archive, settings, places)
                # What later archives had put in place of its files has to be put there again,
                # by the next call too if this one is killed.
                for later in paths[number:]:
                    other = _in_place(later, root)
                    if other is not None and not set(other.files).isdisjoint(receipt.files):
                        later.unlink()
                write_text(path, json.dumps(asdict(receipt), indent=1) + "\n")
            places |= {Path(file).name: file for file in receipt.files}
            yield receipt


def _in_place(path: Path, root: Path) -> Receipt | None:
    """The receipt, if all its files are still there."""
    try:
        receipt = Receipt(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return receipt if all((root / file).is_file() for file in receipt.files) else None


def _unpack_one(archive: Path, settings: DatasetSettings, places: Mapping[str, str]) -> Receipt:
    """Unpack beside the receipts, then move every file to its place, or to the one it has had."""
    root = Path(settings.root)
    size = archive.stat().st_size
    _remove_workplaces(root)
    workplace = root / RECEIPTS / f"{archive.name}.{os.getpid()}.part"
    workplace.mkdir(parents=True)
    try:
        if (free := shutil.disk_usage(workplace).free) < size:  # video does not compress
            raise UserError(
                f"{archive}: {size / 1e9:.1f} GB to unpack in {root}, "
                f"where {free / 1e9:.1f} GB are free"
            )
        print(f"unpacking {archive} ({size / 1e6:.1f} MB)", file=sys.stderr, flush=True)
        _unpack_with_inner(archive, workplace)
        files, left_out = [], []
        taken: set[Path] = set()
        for file in _files_below(workplace):
            inside = file.relative_to(workplace)
            place = _place(file, settings)
            if place is not None:
                place = Path(places.get(file.name, place))
            if place is None or place in taken:
                left_out.append(Path(*inside.parts[1:]).as_posix())
                continue
            taken.add(place)
            target = root / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)  # a copy where a link leads to another disk
            files.append(place.as_posix())
    finally:
        _remove_workplaces(root)
    if not files:
        raise UserError(f"{archive}: holds no video and no list")
    return Receipt(archive.name, size, sorted(files), left_out)


def _remove_workplaces(root: Path) -> None:
    """Our own, and those of killed jobs (nobody else unpacks now).

    The rar program of a killed job may still be writing: what it leaves goes the next time.
    """
    for path in (root / RECEIPTS).glob("*.part"):
        shutil.rmtree(path, ignore_errors=True)


def _unpack_with_inner(archive: Path, workplace: Path) -> None:
    """An archive, and the archives in it (HMDB51: one a class), each in a folder of its own."""
    outer = workplace / "0" / archive_stem(archive.name)
    outer.mkdir(parents=True)
    unpack(archive, outer)
    inner = [file for file in _files_below(outer) if is_archive(file.name)]
    inner = [file for file in inner if not file.name.startswith(".")]  # macOS's resource forks
    terminal = sys.stderr.isatty()
    for number, file in enumerate(tqdm(inner, unit="archive", disable=not terminal), start=1):
        folder = workplace / str(number) / archive_stem(file.name)
        folder.mkdir(parents=True)
        unpack(file, folder)
        file.unlink()


def _files_below(folder: Path) -> list[Path]:
    """Regular files, sorted; what a link points to is none of ours."""
    found = []
    for directory, _, names in os.walk(folder):
        paths = (Path(directory, name) for name in names)
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return sorted(found)


def _place(file: Path, settings: DatasetSettings) -> Path | None:
    """Where a file belongs, relative to the root; None for one that is no video and no list."""
    suffix = file.suffix.lower()
    if file.name.startswith("."):  # resource forks that macOS adds: ._v_Archery_g01_c01.avi
        return None
    if suffix in VIDEO_SUFFIXES:
        return Path(settings.videos, file.parent.name, file.name)
    if suffix in LIST_SUFFIXES:
        lists = Path(settings.lists)
        return (lists.parent if lists.suffix in LIST_SUFFIXES else lists) / file.name
    return None
