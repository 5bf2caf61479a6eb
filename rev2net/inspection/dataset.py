"""A dataset's folder: which dataset it is by its lists, and how much of it is there."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rev2net.config import DatasetSettings
from rev2net.datasets.index import IMPORTERS
from rev2net.datasets.listing import Listing
from rev2net.errors import UserError
from rev2net.inspection.report import Facts, Report, Table

# The folders of the videos as published; elsewhere they are looked for in the whole root.
VIDEOS = {"ucf101": "UCF-101", "hmdb51": "hmdb51_org", "kinetics400": "videos"}


def inspect_dataset(folder: Path) -> Report:
    """Videos by split and class, listed and present, and the names of those that are missing.

    Raises UserError where no dataset's lists are found, or where they break their format.
    """
    dataset, lists = _recognised(folder)
    videos = VIDEOS[dataset] if (folder / VIDEOS[dataset]).is_dir() else "."
    settings = DatasetSettings(
        root=str(folder),
        videos=videos,
        lists=lists,
        official=True,
        partial=True,
        max_unusable_fraction=1,
        shards=1,
    )
    remarks = []
    try:
        listing = IMPORTERS[dataset](settings)
    except UserError as error:
        # Lists of one's own, or broken ones: then the second reading says so.
        listing = IMPORTERS[dataset](settings.model_copy(update={"official": False}))
        remarks.append(str(error).split(";")[0])
    return _report(dataset, settings, listing, remarks + listing.warnings)


def _report(
    dataset: str, settings: DatasetSettings, listing: Listing, remarks: list[str]
) -> Report:
    present = [video for video in listing.videos if video.present]
    facts: dict[str, Any] = {
        "dataset": dataset,
        "lists": settings.lists,
        "videos in": settings.videos,
        "listed": len(listing.videos),
        "present": len(present),
        "missing": len(listing.videos) - len(present),
        "classes": len(listing.class_names),
        "source groups": len({video.group for video in listing.videos}),
    }
    splits = []
    for k in range(len(listing.videos[0].sides) if listing.videos else 0):
        row: list[Any] = [k + 1]
        for side in ("train", "test", "unused"):
            listed = [video for video in listing.videos if video.sides[k] == side]
            row += [len(listed), sum(video.present for video in listed)]
        splits.append(row)
    listed_in = Counter(video.class_name for video in listing.videos)
    present_in = Counter(video.class_name for video in present)
    classes = [[name, listed_in[name], present_in[name]] for name in listing.class_names]
    missing = [[video.video_id, video.path] for video in listing.videos if not video.present]
    sides = ["train", "train present", "test", "test present", "unused", "unused present"]
    return [
        Facts("dataset", facts),
        Table("remarks", ["remark"], [[remark] for remark in remarks]),
        Table("videos by split", ["split", *sides], splits),
        Table("videos by class", ["class", "listed", "present"], classes),
        Table("missing", ["video_id", "expected at"], missing),
    ]


def _recognised(folder: Path) -> tuple[str, str]:
    """Dataset and `lists`, relative to the folder: there or one level below it."""
    places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    rules: dict[str, Callable[[Path], str | None]] = {
        "ucf101": lambda place: _if_any(place, "classInd.txt"),
        "hmdb51": lambda place: _if_any(place, "*_test_split1.txt"),
        "kinetics400": _kinetics_lists,
    }
    for dataset, lists_in in rules.items():
        for place in places:
            if (name := lists_in(place)) is not None:
                return dataset, (place.relative_to(folder) / name).as_posix()
    raise UserError(
        f"{folder}: no dataset: found neither classInd.txt (UCF101) nor "
        "<class>_test_split1.txt (HMDB51) nor a CSV with a column youtube_id (Kinetics) in it "
        "or one folder below"
    )


def _if_any(place: Path, pattern: str) -> str | None:
    return "." if any(not path.name.startswith(".") for path in place.glob(pattern)) else None


def _kinetics_lists(place: Path) -> str | None:
    """The CSV with YouTube ids, or the folder where all CSV are such."""
    tables = sorted(table for table in place.glob("*.csv") if not table.name.startswith("."))
    found = [table for table in tables if "youtube_id" in _first_line(table)]
    if not found:
        return None
    return "." if len(found) == len(tables) > 1 else found[0].name


def _first_line(path: Path) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline()
