"""Videos of one's own in folders: `<class>/*`, or `train`, `val` and `test` with such folders.

Every video below a class's folder is of that class, in whatever subfolder and container. Blanks
around a folder's name are no part of the class's.
"""

import os
from pathlib import Path, PurePath

from rev2net.config import DatasetSettings
from rev2net.datasets.listing import Listing, Side, Video, as_text, own_listing, video_files
from rev2net.errors import UserError
from rev2net.files import VIDEO_SUFFIXES

SIDES: tuple[Side, ...] = ("train", "val", "test")
EXPECTED = "expected are <class>/<videos>, or folders train, val and test of <class>/<videos>"


def list_folders(settings: DatasetSettings) -> Listing:
    """Every video below the folder `videos`; classes are in alphabetical order.

    Where train, val and test are all the folders that there are, they are the sides of the only
    split. Raises UserError for a folder that is absent or has no videos in class folders, and for
    sides beside classes or without one to train on or to test.
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
            sides=tuple(side for side in sides if side == parts[0]),
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


def _sides(below: Path, folders: set[str]) -> list[Side]:
    """Those of the sides that are folders here; none where the folders are classes."""
    sides = [side for side in SIDES if side in folders]
    classes = sorted(folders - set(sides))
    if len(sides) > 1 and classes:
        raise UserError(
            f"{below}: folder {classes[0]} stands beside {' and '.join(sides)}; {EXPECTED}"
        )
    if classes:  # one class may well be called train
        return []
    if sides and (sides[0] != "train" or len(sides) == 1):
        raise UserError(
            f"{below}: only {' and '.join(sides)}; with train a val or test folder is needed"
        )
    return sides


def _empty_folders(below: Path, sides: list[Side], filled: set[tuple[str, ...]]) -> list[str]:
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
