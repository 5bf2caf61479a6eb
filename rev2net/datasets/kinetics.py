"""Kinetics-400 as people hold it: the official CSV lists, and clips in class folders or flat.

A list has the columns `label, youtube_id, time_start, time_end, split` (others are ignored). A clip
is named `<id>_<start>_<end>` or `<id>`; a file named by its id alone is taken to be the ten-second
clip, not the whole YouTube video. Sub-folders may be anything: the id finds the file, the list
gives the class. Many videos are gone from YouTube; `partial: true` works with what is there.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rev2net.config import DatasetSettings
from rev2net.datasets.listing import (
    Listing,
    PublishedFolder,
    Side,
    Video,
    odd_files,
    read_list,
)
from rev2net.errors import UserError

NUM_CLASSES = 400
NUM_VIDEOS: dict[Side, int] = {"train": 246_534, "test": 19_906}  # of which most are still there
SUFFIXES = {".mp4", ".mkv", ".webm", ".avi"}
_COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
_SIDES: dict[str, Side] = {"train": "train", "val": "test", "validate": "test"}
_CLIP = re.compile(r"(?P<id>.{11})(?:_(?P<start>\d+)_(?P<end>\d+))?")


def list_kinetics400(settings: DatasetSettings) -> Listing:
    """Every video of the train and val lists, which are the two sides of the only split.

    `lists` names one CSV or a folder of them. Rows of the test list, whose labels most copies
    lack, are left out. Raises UserError for a missing folder or column, an odd value, a video
    listed twice, and, where `official` is set, another number of classes than 400.
    """
    folder = PublishedFolder(settings, SUFFIXES)
    lists = folder.root / settings.lists
    rows, num_test = _listed(lists)
    class_names = sorted({row["label"] for row in rows})
    folder.check_count(lists, "classes", len(class_names), NUM_CLASSES)

    by_clip: dict[tuple[str, int, int] | str, str] = {}
    for path in folder.files:
        if match := _CLIP.fullmatch(Path(path).stem):
            timed = match["start"] is not None
            key = (match["id"], int(match["start"]), int(match["end"])) if timed else match["id"]
            by_clip.setdefault(key, path)
    clips_of = Counter(row["youtube_id"] for row in rows)
    untold = {name for name, count in clips_of.items() if count > 1 and name in by_clip}
    videos = []
    for row in rows:
        youtube_id, start, end = row["youtube_id"], int(row["time_start"]), int(row["time_end"])
        found = by_clip.get((youtube_id, start, end))
        if found is None and youtube_id not in untold:
            found = by_clip.get(youtube_id)
        video_id = f"{youtube_id}_{start:06d}_{end:06d}"
        listed = Path(settings.videos) / row["label"].replace(" ", "_") / f"{video_id}.mp4"
        videos.append(
            Video(
                video_id=video_id,
                path=found or listed.as_posix(),
                class_name=row["label"],
                group=youtube_id,
                sides=(_SIDES[row["split"]],),
                present=found is not None,
            )
        )
    warnings = odd_files(folder.files, videos)
    if untold:
        warnings.append(
            f"files named by an id of which the lists have several clips: {len(untold)}, which of "
            f"them they are cannot be told (first: {by_clip[min(untold)]}); name them "
            "<id>_<start>_<end>"
        )
    if num_test:
        warnings.append(f"rows of the test list: {num_test} left out; val is the test side")
    return Listing(class_names, videos, warnings)


def _listed(path: Path) -> tuple[list[dict[str, str]], int]:
    """Rows of train and val of all CSV files, and how many rows of test there are beside them."""
    tables = [path]
    if path.is_dir():
        tables = sorted(table for table in path.glob("*.csv") if not table.name.startswith("."))
    if not tables or not tables[0].is_file():
        raise UserError(f"`lists`: no CSV at {path}; give the official list or its folder")
    rows: dict[tuple[str, int, int], dict[str, str]] = {}
    num_test = 0
    for table in tables:
        reader = csv.DictReader(io.StringIO(read_list(table), newline=""))
        try:
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            listed = [] if missing else list(_numbered(reader))
        except csv.Error as error:
            raise UserError(f"{table}: not a CSV list ({error})") from None
        if missing:
            raise UserError(f"{table}: no column {missing[0]!r}; needed: {', '.join(_COLUMNS)}")
        for number, row in listed:
            where = f"{table}:{number}"
            if row["split"] == "test":
                num_test += 1
                continue
            _check_row(row, where)
            clip = (row["youtube_id"], int(row["time_start"]), int(row["time_end"]))
            if clip in rows:
                raise UserError(f"{where}: {row['youtube_id']} is listed twice")
            rows[clip] = row
    return list(rows.values()), num_test


def _numbered(reader: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a list, of which we need a few columns, by the number of their line."""
    for row in reader:
        yield reader.line_num, {name: (row[name] or "").strip() for name in _COLUMNS}


def _check_row(row: dict[str, str], where: str) -> None:
    if row["split"] not in _SIDES:
        raise UserError(f"{where}: split {row['split']!r}; allowed: {', '.join(_SIDES)}, test")
    if not row["label"] or not row["youtube_id"]:
        raise UserError(f"{where}: label {row['label']!r}, youtube_id {row['youtube_id']!r}: empty")
    for name in ("time_start", "time_end"):
        if not row[name].isdecimal():
            raise UserError(f"{where}: {name} {row[name]!r} is not a whole number of seconds")
