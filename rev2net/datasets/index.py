"""The index of a dataset: one CSV row a video of its lists (docs/formats.md)."""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rev2net.config import DatasetSettings
from rev2net.datasets.folders import list_folders
from rev2net.datasets.hmdb51 import list_hmdb51
from rev2net.datasets.kinetics import list_kinetics400
from rev2net.datasets.listing import Listing
from rev2net.datasets.lists import list_of_file
from rev2net.datasets.ucf101 import list_ucf101
from rev2net.digests import check_text
from rev2net.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

IMPORTERS: dict[str, Callable[[DatasetSettings], Listing]] = {
    "ucf101": list_ucf101,
    "hmdb51": list_hmdb51,
    "kinetics400": list_kinetics400,
    "folders": list_folders,
    "list": list_of_file,
}
COLUMNS = ["video_id", "path", "class", "label", "group"]  # then split1, split2, ... if any


@dataclass(frozen=True)
class Index:
    """The index as a table, and what a person should know about it."""

    table: "pd.DataFrame"
    summary: str
    warnings: list[str]


def build_index(dataset: str, settings: DatasetSettings) -> Index:
    """List a dataset, ordered by label, then video.

    Raises UserError where the importer does, where no listed video is present at all, and where
    more are absent than `max_unusable_fraction` allows of a copy that is not `partial`.
    """
    listing = IMPORTERS[settings.format](settings)
    if not listing.videos:
        raise UserError(f"datasets.{dataset}.lists: the lists of {settings.root} name no video")
    warnings = listing.warnings + _absent(dataset, settings, listing)
    labels = {name: label for label, name in enumerate(listing.class_names)}
    videos = sorted(listing.videos, key=lambda video: (labels[video.class_name], video.video_id))
    rows = [
        (v.video_id, v.path, v.class_name, labels[v.class_name], v.group, *v.sides) for v in videos
    ]
    splits = [f"split{k + 1}" for k in range(len(videos[0].sides))]
    _refuse_duplicates([video.video_id for video in videos], dataset)
    import pandas as pd

    table = pd.DataFrame(rows, columns=[*COLUMNS, *splits])
    return Index(table, _summary(dataset, listing), warnings)


def read_index(path: Path) -> "pd.DataFrame":
    """An index file; `label` is int64, everything else text (ids may look like numbers).

    Raises UserError as `read_columns` does.
    """
    columns = read_columns(path)
    import pandas as pd

    return pd.DataFrame(columns).astype({"label": "int64"})


def read_columns(path: Path) -> dict[str, list[str]]:
    """The columns of an index file as text; without pandas, which a shard's job need not wait for.

    Raises UserError for an unreadable file, a missing column, or a video listed twice.
    """
    check_text(path)
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
    except (OSError, csv.Error) as error:
        raise UserError(f"{path}: not an index ({error})") from None
    header = rows.pop(0) if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise UserError(f"{path}: not an index: no column {missing[0]!r}")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise UserError(
                f"{path}: not an index: {len(row)} columns in row {number}, {len(header)} expected"
            )
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    try:
        for label in columns["label"]:
            int(label)
        "".join(columns["video_id"]).encode()
    except ValueError as error:  # no number; no text
        raise UserError(f"{path}: not an index ({error})") from None
    _refuse_duplicates(columns["video_id"], path)
    return columns


def _absent(dataset: str, settings: DatasetSettings, listing: Listing) -> list[str]:
    """A warning about absent videos, or UserError where there are more than the settings allow."""
    absent = [video.path for video in listing.videos if not video.present]
    total = len(listing.videos)
    if not absent:
        return []
    finding = (
        f"{len(absent)} of {total} listed videos are not in {settings.root} (first: {min(absent)})"
    )
    if len(absent) == total:
        raise UserError(
            f"datasets.{dataset}.videos: {finding}; unpack them there, or name their archives"
        )
    if not settings.partial and len(absent) > settings.max_unusable_fraction * total:
        raise UserError(
            f"datasets.{dataset}: {finding}, more than max_unusable_fraction "
            f"{settings.max_unusable_fraction:g}; complete the copy, or set partial: true to work "
            "with what is there"
        )
    return [f"{finding}; they will be marked missing in the ledger"]


def _refuse_duplicates(video_ids: Sequence[str], where: object) -> None:
    seen: set[str] = set()
    for video_id in video_ids:
        if video_id in seen:
            raise UserError(f"{where}: video {video_id} is listed twice")
        seen.add(video_id)


def _summary(dataset: str, listing: Listing) -> str:
    videos = listing.videos
    present = sum(video.present for video in videos)
    groups = len({video.group for video in videos})
    splits = []
    for k in range(len(videos[0].sides)):
        sides = Counter(video.sides[k] for video in videos)
        of_val = f", {sides['val']} val" if sides["val"] else ""
        splits.append(f"split {k + 1}: {sides['train']} train{of_val}, {sides['test']} test")
    counts = (
        f"{dataset}: {len(videos)} videos, {present} present, "
        f"{len(listing.class_names)} classes, {groups} groups"
    )
    return "; ".join([counts, *splits])
