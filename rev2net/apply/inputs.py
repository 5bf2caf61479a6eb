"""Which videos are meant: files, folders with everything below them, and lists of files."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rev2net.errors import UserError
from rev2net.files import VIDEO_SUFFIXES

LIST_SUFFIXES = (".txt", ".csv", ".lst")


class Video(NamedTuple):
    """A video and what its results are called: a path without suffix, below an output folder."""

    path: Path
    name: str


def find_videos(paths: Sequence[Path]) -> list[Video]:
    """The videos that paths name, in order, each once.

    A folder stands for the videos anywhere below it, hidden ones apart, and results keep its
    subfolders; a list (.txt, .csv, .lst) has a path a line, relative to itself or to where one
    stands. Results are called as the video without its suffix, with it where two would be called
    alike. Raises UserError for what is not there, for a folder or list without videos, and where
    two videos would have the same results.
    """
    found: dict[Path, Path] = {}  # the name, with its suffix, of each path
    for path in paths:
        if path.is_dir():
            inside = _inside(path)
        elif path.suffix.lower() in LIST_SUFFIXES:
            inside = _listed(path)
        else:
            inside = [(path, Path(path.name))]
        for file, name in inside:
            found.setdefault(Path(os.path.abspath(file)), name)
    names = Counter(name.with_suffix("") for name in found.values())
    videos = [
        Video(path, str(name if names[name.with_suffix("")] > 1 else name.with_suffix("")))
        for path, name in found.items()
    ]
    first: dict[str, Path] = {}
    for video in videos:
        if (other := first.setdefault(video.name, video.path)) != video.path:
            raise UserError(
                f"{video.path}: its results would have the name of those of {other}; give their "
                "common folder, or one of them at a time"
            )
    return videos


def _inside(folder: Path) -> list[tuple[Path, Path]]:
    """The videos below a folder with their paths from it."""
    files = [
        (path, path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
    ]
    visible = [(path, name) for path, name in files if not any(p[0] == "." for p in name.parts)]
    if not visible:
        raise UserError(
            f"{folder}: no video in this folder; looked for {', '.join(VIDEO_SUFFIXES)}"
        )
    return visible


def _listed(file: Path) -> list[tuple[Path, Path]]:
    """The videos that a list names; absolute paths are called by their last part."""
    try:
        text = file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None
    lines = [line.strip() for line in text.splitlines()]
    paths = [Path(line) for line in lines if line and not line.startswith("#")]
    if not paths:
        raise UserError(f"{file}: a list without a line; a path of a video a line expected")
    listed = []
    for path in paths:
        beside = file.parent / path
        plain = not path.is_absolute() and ".." not in path.parts
        listed.append((beside if beside.exists() else path, path if plain else Path(path.name)))
    return listed
