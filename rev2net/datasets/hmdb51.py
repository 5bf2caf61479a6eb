"""HMDB51 as published: class folders of AVI files and `testTrainMulti_7030_splits`.

`<class>_test_split<k>.txt` holds lines `<file> <use>`: 0 unused, 1 train, 2 test. A file is named
`<source title>_<class>_<body>_<camera motion>_<people>_<viewpoint>_<quality>_<number>.avi`, and a
title may hold any of `! # & ( ) + ; @ [ ] ~`.
"""

import re
from pathlib import Path

from rev2net.config import DatasetSettings
from rev2net.datasets.listing import Listing, PublishedFolder, Side, numbered_lines, odd_files
from rev2net.errors import UserError

NUM_CLASSES = 51
NUM_VIDEOS: dict[Side, int] = {"train": 3570, "test": 1530, "unused": 1666}  # in each split
_USES: dict[str, Side] = {"0": "unused", "1": "train", "2": "test"}
_LIST = re.compile(r"(?P<class>\w+)_test_split(?P<split>[123])\.txt")
_TAGS = r"_[a-z]+_[a-z]+_np\d+_[a-z]+_[a-z]+_\d+"


def list_hmdb51(settings: DatasetSettings) -> Listing:
    """Every video of the three official splits, and where its file lies.

    Raises UserError for a missing folder or list, a line that breaks the format, and, where
    `official` is set, counts other than the published ones.
    """
    folder = PublishedFolder(settings, {".avi"})
    lists = folder.lists()
    class_names = _class_names(lists)
    folder.check_count(lists, "classes with lists", len(class_names), NUM_CLASSES)
    sides: dict[tuple[str, str], list[Side]] = {}  # (class, file) -> its side in each split
    for k in range(3):
        for class_name in class_names:
            path = lists / f"{class_name}_test_split{k + 1}.txt"
            for file, side in _listed(path).items():
                sides.setdefault((class_name, file), ["unused"] * 3)[k] = side
        for side, published in NUM_VIDEOS.items():
            found = sum(entry[k] == side for entry in sides.values())
            folder.check_count(lists, f"{side} videos in split {k + 1}", found, published)

    videos = []
    for (class_name, file), entry in sides.items():
        match = re.fullmatch(f"(.+)_{re.escape(class_name)}{_TAGS}", file.removesuffix(".avi"))
        if match is None:
            raise UserError(
                f"{lists}: {file!r} is not named <title>_{class_name}_<five tags>_<number>.avi"
            )
        videos.append(folder.avi(class_name, file, match[1], entry))
    warnings = odd_files(folder.files, videos, settings.videos, class_names)
    return Listing(class_names, videos, warnings)


def _class_names(lists: Path) -> list[str]:
    """Classes that have all three lists, alphabetical."""
    splits: dict[str, set[str]] = {}
    for path in lists.iterdir():
        if match := _LIST.fullmatch(path.name):
            splits.setdefault(match["class"], set()).add(match["split"])
    if not splits:
        raise UserError(f"{lists}: no file named <class>_test_split<1, 2 or 3>.txt")
    for class_name in sorted(splits):
        for split in "123":
            if split not in splits[class_name]:
                raise UserError(
                    f"{lists}: no {class_name}_test_split{split}.txt, though {class_name} has "
                    "another list; a class needs all three"
                )
    return sorted(splits)


def _listed(path: Path) -> dict[str, Side]:
    """File name -> side, of one list."""
    sides: dict[str, Side] = {}
    for number, line in numbered_lines(path):
        file, _, use = line.rpartition(" ")
        file = file.strip()
        if not file.endswith(".avi") or use not in _USES:
            raise UserError(
                f"{path}:{number}: found {line!r}, expected '<file>.avi <use>', "
                "use being 0 (unused), 1 (train) or 2 (test)"
            )
        if file in sides:
            raise UserError(f"{path}:{number}: {file} is listed twice")
        sides[file] = _USES[use]
    return sides
