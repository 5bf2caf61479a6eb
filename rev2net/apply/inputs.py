"""Which videos are meant: files, folders with everything below them, and lists of files."""

import codecs
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rev2net.datasets.listing import numbered_rows, video_files
from rev2net.errors import UserError
from rev2net.files import VIDEO_SUFFIXES

LIST_SUFFIXES = (".txt", ".csv", ".lst")
RECORD = Path("settings")  # of an output folder, settings.json


class Video(NamedTuple):
    """A video and what its results are called: a path without suffix, below an output folder."""

    path: Path
    name: str


def find_videos(paths: Sequence[Path]) -> list[Video]:
    """The videos that paths name, in order, each once.

    A folder stands for the videos anywhere below it, hidden ones apart, and results keep its
    subfolders; a list (.txt, .csv, .lst) has a path a line or in a column `path`, relative to
    itself or to where one stands. Results are called as the video without its suffix, with it where
    two would be called alike or one like the folder of another. Raises UserError for what is not
    there, for a folder or list without videos, and where two videos would have the same results.
    """
    found: dict[Path, Path] = {}  # the name, with its suffix, of each path
    for path in paths:
        for file, name in named(path):
            found.setdefault(Path(os.path.abspath(file)), name)
    taken = Counter(name.with_suffix("") for name in found.values())
    taken.update({RECORD, *(folder for name in found.values() for folder in name.parents)})
    videos = [
        Video(path, str(name if taken[name.with_suffix("")] > 1 else name.with_suffix("")))
        for path, name in found.items()
    ]
    first: dict[str, Path] = {}
    for video in videos:  # the folders of their results, too
        for folder in Path(video.name).parents:
            first[str(folder)] = video.path
    for video in videos:
        if (other := first.setdefault(video.name, video.path)) != video.path:
            raise UserError(
                f"{video.path}: its results would have the name of those of {other}; give their "
                "common folder, or one of them at a time"
            )
    return videos


def named(path: Path) -> list[tuple[Path, Path]]:
    """The videos that one path stands for, each with its path from there."""
    if path.is_dir():
        return _inside(path)
    if path.suffix.lower() in LIST_SUFFIXES:
        return _listed(path)
    return [(path, Path(path.name))]


def _inside(folder: Path) -> list[tuple[Path, Path]]:
    """The videos below a folder with their paths from it."""
    found = video_files(folder, folder, VIDEO_SUFFIXES)
    names = [Path(name) for name in found if (folder / name).is_file()]  # no link into nowhere
    if not names:
        raise UserError(
            f"{folder}: no video in this folder; looked for {', '.join(VIDEO_SUFFIXES)}"
        )
    return [(folder / name, name) for name in names]


def _listed(file: Path) -> list[tuple[Path, Path]]:
    """The videos that a list names; absolute paths are called by their last part."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if marked else "utf-8-sig", errors="surrogateescape")
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not a list of paths ({error})") from None
    if lines and "path" in re.split(r"\s*,\s*", lines[0].lower()):
        (_, head), *rows = numbered_rows(file, "\n".join(lines))
        column = [cell.lower() for cell in head].index("path")
        lines = [row[column] for _, row in rows]
    paths = [Path(line) for line in lines]
    if not paths:
        raise UserError(f"{file}: a list without a line; a path of a video a line expected")
    listed = []
    for path in paths:
        beside = file.parent / path
        plain = not path.is_absolute() and ".." not in path.parts
        listed.append((beside if beside.exists() else path, path if plain else Path(path.name)))
    return listed
