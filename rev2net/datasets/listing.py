"""A dataset as its lists and its folder describe it, and what its importers share."""

import codecs
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rev2net.config import DatasetSettings
from rev2net.errors import UserError

Side = Literal["train", "val", "test", "unused"]


@dataclass(frozen=True)
class Video:
    """One video of the lists, present on this disk or not."""

    video_id: str
    path: str  # relative to the dataset's root: where the file is, or where it would be
    class_name: str
    group: str  # the source video; clips of one group are near-duplicates
    sides: tuple[Side, ...]  # in the official split 1, 2, ...; empty: nobody has divided them
    present: bool


@dataclass(frozen=True)
class Listing:
    """Everything an importer found out about a dataset."""

    class_names: list[str]  # in the order of the labels
    videos: list[Video]
    warnings: list[str]  # a line each, for what is odd but loses nothing


class PublishedFolder:
    """A dataset's folder as published: the videos in it, and where its lists lie.

    `files` are sorted paths relative to `root`. Raises UserError where the folder, or that of the
    videos or lists, is absent or cannot be read.
    """

    def __init__(self, settings: DatasetSettings, suffixes: Collection[str]) -> None:
        self.settings = settings
        self.root = self._folder("root", ".")
        self.files = video_files(self.root, self._folder("videos", settings.videos), suffixes)
        self._by_path = set(self.files)
        self._by_name = {Path(path).name.casefold(): path for path in self.files}

    def lists(self) -> Path:
        """The folder of the official lists."""
        return self._folder("lists", self.settings.lists)

    def avi(self, class_name: str, file: str, group: str, sides: Iterable[Side]) -> Video:
        """A listed `<class>/<file>.avi`: there, or in any folder by its name in any capitals."""
        listed = Path(self.settings.videos, class_name, file).as_posix()
        by_name = self._by_name.get(file.casefold())
        found = listed if listed in self._by_path else by_name
        video_id = file.removesuffix(".avi")
        return Video(video_id, found or listed, class_name, group, tuple(sides), found is not None)

    def check_count(self, where: object, what: str, found: int, published: int) -> None:
        """Raise UserError if an official dataset's list does not hold what was published."""
        if self.settings.official and found != published:
            raise UserError(
                f"{where}: {found} {what}, published are {published}; mend the list, or set "
                "`official: false` for lists of your own"
            )

    def _folder(self, key: str, name: str) -> Path:
        path = Path(self.settings.root, name)
        if not path.is_dir():
            raise UserError(
                f"`{key}`: no folder {path}; give the {self.settings.format} folder as published, "
                "or its `archives`"
            )
        return path


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that hold something, without surrounding blanks or CR, numbered from 1."""
    for number, line in enumerate(read_list(path).splitlines(), start=1):
        if line.strip():
            yield number, line.strip()


def read_list(path: Path) -> str:
    """The text of a list, in UTF-8 or, as some Windows programs save it, marked UTF-16.

    Raises UserError for a file that cannot be read, or is in another encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot read this list ({error.strerror})") from None
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: not text in UTF-8; save the list as that") from None


def wrong_delimiter(header: Sequence[str]) -> str:
    """What is found between the columns of a CSV file that has one by its commas; or nothing.

    >>> wrong_delimiter(["path;label"])
    "';' between the columns where a comma is needed"
    """
    if len(header) == 1:
        for delimiter in (";", "\t", "|"):
            if delimiter in header[0]:
                return f"{delimiter!r} between the columns where a comma is needed"
    return ""


def video_files(root: Path, videos: Path, suffixes: Collection[str]) -> list[str]:
    """Files below `videos` with one of the suffixes, as sorted paths relative to `root`.

    Hidden ones are none: they are being unpacked, or macOS's notes on others. Raises UserError for
    a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise UserError(f"{error.filename}: cannot look into this folder ({error.strerror})")

    found = []
    seen: set[tuple[int, int]] = set()  # a link may lead to a folder that it lies in
    # Class folders are often links to another disk.
    for directory, folders, names in os.walk(videos, followlinks=True, onerror=refuse):
        folder = os.stat(directory)
        if (folder.st_dev, folder.st_ino) in seen:
            folders.clear()
            continue
        seen.add((folder.st_dev, folder.st_ino))
        visible = [name for name in sorted(folders) if not name.startswith(".")]
        # Folders before links to them: a video is found where it lies.
        folders[:] = sorted(visible, key=lambda name: os.path.islink(os.path.join(directory, name)))
        below = Path(os.path.relpath(directory, root)).as_posix()
        prefix = "" if below == "." else f"{below}/"
        found += [
            prefix + name
            for name in names
            if Path(name).suffix.lower() in suffixes and not name.startswith(".")
        ]
    return sorted(found)


def odd_files(
    files: list[str], videos: list[Video], below: str = "", class_names: Collection[str] = ()
) -> list[str]:
    """Lines on files that stand for no listed video, and on folders named like no class.

    Folders are looked at where `class_names` is given: those directly under `below`.
    """
    taken = {video.path for video in videos if video.present}
    known = {name.casefold() for name in class_names}
    left_out: list[str] = []
    unknown: dict[str, list[str]] = {}
    for path in files:
        name, slash, _ = os.path.relpath(path, below or ".").partition("/")
        if known and slash and name.casefold() not in known:
            unknown.setdefault(name, []).append(path)
        elif path not in taken:
            left_out.append(path)
    lines = []
    for name, paths in unknown.items():
        used = len(taken.intersection(paths))
        lines.append(
            f"folder {below}/{name} is named like none of the {len(known)} classes; "
            f"{len(paths) - used} of its {len(paths)} video files are in no official list"
        )
    if left_out:
        lines.append(
            f"video files in no official list, or second copies: {len(left_out)} left out "
            f"(first: {left_out[0]})"
        )
    return lines
