"""A dataset as its lists and its folder describe it, and what its importers share.

Names of files of one's own become ids, classes and groups, which HDF5, CSV and JSON must hold: what
is no text in them is written as `%` and two hex digits.
"""

import codecs
import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rev2net.config import DatasetSettings
from rev2net.errors import UserError
from rev2net.files import to_bytes

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


def as_text(name: str) -> str:
    """A file's name as text that every file of ours can hold.

    >>> as_text("caf\\udce9\\n")
    'caf%E9%0A'
    """
    return "".join(
        "".join(f"%{byte:02X}" for byte in to_bytes(letter))
        if unicodedata.category(letter) in ("Cc", "Cs")  # control characters, and no characters
        else letter
        for letter in name
    )


def own_listing(
    settings: DatasetSettings, class_names: list[str], videos: Sequence[Video], warnings: list[str]
) -> Listing:
    """Videos, whose ids are empty yet and whose groups are where unknown, as a dataset.

    An id is the path without suffix, with it where two would be called alike. A group that is not
    given is what the settings' expression finds in the path, or else the video alone, by its id.
    In a split without a test side val is tested. Raises UserError for paths in which the expression
    finds nothing, and for two classes whose names differ only by case.
    """
    _refuse_cases(settings, videos)
    stems = [posixpath.splitext(video.path)[0] for video in videos]
    times = Counter(stems)
    val_is_tested = [
        "val" in sides and "test" not in sides
        for sides in map(set, zip(*(video.sides for video in videos), strict=True))
    ]
    found = _groups(settings.groups, [video.path for video in videos if not video.group])
    listed = []
    for video, stem in zip(videos, stems, strict=True):
        video_id = as_text(stem if times[stem] == 1 else video.path)
        group = video.group or found.get(video.path, video_id)
        sides = zip(video.sides, val_is_tested, strict=True)
        tested: list[Side] = [
            "test" if side == "val" and is_tested else side for side, is_tested in sides
        ]
        listed.append(replace(video, video_id=video_id, group=group, sides=tuple(tested)))
    warnings += [
        f"split {k} has no test side; val is tested"
        for k, is_tested in enumerate(val_is_tested, start=1)
        if is_tested
    ]
    return Listing(class_names, listed, warnings)


def _refuse_cases(settings: DatasetSettings, videos: Sequence[Video]) -> None:
    first: dict[str, Video] = {}
    for video in videos:
        other = first.setdefault(video.class_name.casefold(), video)
        if other.class_name != video.class_name:
            raise UserError(
                f"{settings.root}: classes {other.class_name!r} and {video.class_name!r} differ "
                f"only by case ({other.path}, {video.path}); write them alike, or name them apart"
            )


def _groups(pattern: str | None, paths: Sequence[str]) -> dict[str, str]:
    """The group of each path, as an expression finds it; nothing without one."""
    if pattern is None:
        return {}
    matches = {path: re.search(pattern, path) for path in paths}
    found = {path: as_text(match[1]) for path, match in matches.items() if match and match[1]}
    if others := [path for path in paths if path not in found]:
        raise UserError(
            f"groups: {pattern!r} finds no source video in {len(others)} of {len(paths)} paths "
            f"(first: {others[0]!r}); it must match every path below the root"
        )
    return found
