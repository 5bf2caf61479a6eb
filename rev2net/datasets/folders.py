"""Videos of one's own in folders: `<class>/*`, or `train`, `val` and `test` with such folders.

Every video below a class's folder is of that class, in whatever subfolder and container. Blanks
around a folder's name are no part of the class's.
"""

import os
from collections.abc import Iterable
from pathlib import Path, PurePath

from rev2net.config import DatasetSettings
from rev2net.datasets.listing import Listing, Side, Video, as_text, own_listing, video_files
from rev2net.errors import UserError
from rev2net.files import VIDEO_SUFFIXES

# In lower case; a folder may be written in any.
SIDES: dict[str, Side] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
EXPECTED = "expected are <class>/<videos>, or folders train, val and test of <class>/<videos>"


def list_folders(settings: DatasetSettings) -> Listing:
    """Every video below the folder `videos`; classes are in alphabetical order.

    Where train, val and test (or training, validation, testing; in any capitals) are all the
    folders that there are, they are the sides of the only split. Raises UserError for a folder that
    is absent or has no videos in class folders, and for sides beside classes or without one to
    train on or to test.
    """
    root, below = Path(settings.root), Path(settings.root, settings.videos)
    if not below.is_dir():
        raise UserError(f"{below}: no such folder; {EXPECTED}")
    files = video_files(root, below, VIDEO_SUFFIXES)
    inside = {path: PurePath(os.path.relpath(path, settings.videos)).parts for path in files}
    sides = _sides(below, {folder for folder, *rest in inside.values() if rest})
    depth = 1 if sides else 0  # of the class's folder
    videos = [
        Video(
            video_id="",
            path=path,
            class_name=as_text(parts[depth].strip()),
            group="",
            sides=(sides[parts[0]],) if sides else (),
            present=True,
        )
        for path, parts in inside.items()
        if len(parts) > depth + 1
    ]
    if not videos:
        raise UserError(f"{below}: {len(files)} videos, none in a class's folder; {EXPECTED}")
    warnings = _empty_folders(below, sides, {parts[: depth + 1] for parts in inside.values()})
    if left_out := sorted(set(files) - {video.path for video in videos}):
        warnings.append(
            f"video files in no class's folder: {len(left_out)} left out (first: {left_out[0]})"
        )
    class_names = sorted({video.class_name for video in videos})
    return own_listing(settings, class_names, videos, warnings)


def _sides(below: Path, folders: set[str]) -> dict[str, Side]:
    """The side that each folder here is, in whatever capitals; none where they are classes."""
    sides = {
        name: side
        for word, side in SIDES.items()
        for name in sorted(folders)
        if name.lower() == word
    }
    classes = sorted(folders - set(sides))
    if classes:  # one class may well be called train, or training
        if len(plain := [name for name, side in sides.items() if name == side]) > 1:
            raise UserError(
                f"{below}: folder {classes[0]} stands beside {' and '.join(plain)}; {EXPECTED}"
            )
        return {}
    if sides and ("train" not in sides.values() or len(set(sides.values())) == 1):
        raise UserError(
            f"{below}: only {' and '.join(sides)}; with train a val or test folder is needed"
        )
    return sides


def _empty_folders(below: Path, sides: Iterable[str], filled: set[tuple[str, ...]]) -> list[str]:
    """Lines on folders where classes lie that hold no video."""
    empty = []
    for parent in [below / side for side in sides] or [below]:
        for folder in sorted(path for path in parent.iterdir() if path.is_dir()):
            place = folder.relative_to(below)
            if place.parts not in filled and not folder.name.startswith("."):
                empty.append(place.as_posix())
    if not empty:
        return []
    return [f"folders without a video: {len(empty)}, which are no classes (first: {empty[0]})"]
