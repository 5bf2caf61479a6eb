"""The index of a dataset: one CSV row a video of its lists (docs/formats.md)."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rev2net.config import DatasetSettings
from rev2net.datasets.folders import list_folders
from rev2net.datasets.hmdb51 import list_hmdb51
from rev2net.datasets.kinetics import list_kinetics400
from rev2net.datasets.listing import Listing
from rev2net.datasets.lists import list_of_file
from rev2net.datasets.ucf101 import list_ucf101
from rev2net.digests import check_text
from rev2net.errors import UserError

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

    table: pd.DataFrame
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
    table = pd.DataFrame(rows, columns=[*COLUMNS, *splits])
    _refuse_duplicates(table, dataset)
    return Index(table, _summary(dataset, listing), warnings)


def read_index(path: Path) -> pd.DataFrame:
    """An index file; `label` is int64, everything else text (ids may look like numbers).

    Raises UserError for an unreadable file, a missing column, or a video listed twice.
    """
    check_text(path)
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding_errors="surrogateescape"
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not an index ({error})") from None
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise UserError(f"{path}: not an index: no column {missing[0]!r}")
    try:
        table["label"] = table["label"].astype("int64")
        "".join(table["video_id"]).encode()
    except ValueError as error:  # no number; no text
        raise UserError(f"{path}: not an index ({error})") from None
    _refuse_duplicates(table, path)
    return table


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


def _refuse_duplicates(table: pd.DataFrame, where: object) -> None:
    twice = table["video_id"][table["video_id"].duplicated()]
    if len(twice):
        raise UserError(f"{where}: video {twice.iloc[0]} is listed twice")


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
