"""What the two formats of videos of one's own share: ids, groups, and which side is tested.

Names of files become ids, classes and groups, which HDF5, CSV and JSON must hold: what is no text
in them is written as `%` and two hex digits.
"""

import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rev2net.config import DatasetSettings
from rev2net.datasets.listing import Listing, Side, Video
from rev2net.errors import UserError
from rev2net.files import to_bytes


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
