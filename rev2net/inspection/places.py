"""What a folder holds: a dataset, a run, a configuration's work/<name>, or work/ itself."""

import csv
import json
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from rev2net.datasets.listing import Listing, Side
from rev2net.datasets.recognising import list_videos, recognise
from rev2net.errors import UserError
from rev2net.inspection.contents import accuracies
from rev2net.printing import Facts, Report, Table
from rev2net.runs.examples import read_examples, verdict
from rev2net.runs.folder import DATA, RunFolder, ShardFolder

SIDES: tuple[Side, ...] = ("train", "val", "test", "unused")


def inspect_folder(folder: Path) -> Report:
    """A run, what the workflow fills, or else a dataset; raises UserError where it is none."""
    if _is_run(folder):
        return _run(folder)
    inside = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    work = [path for path in inside if (path / "runs").is_dir() or path.name == DATA]
    if work:
        return _work(work[:1] if work[0] == folder else work)
    return _dataset(folder)


def _is_run(folder: Path) -> bool:
    """Whether a training has written into a folder."""
    files = RunFolder(folder)
    # The first where it is finished, the others before.
    ours = (files.record, files.checkpoint, files.state, files.unfinished_metrics)
    return any(file.is_file() for file in ours)


def _run(folder: Path) -> Report:
    """How far a run is, what it scored, and its files."""
    record = _record(folder)
    facts: dict[str, Any] = {"run": folder.name, "state": _state(folder)}
    facts |= {name: value for name, value in record.items() if not isinstance(value, dict)}
    report: Report = [Facts("run", facts)]
    for part in ("test", "val"):
        scores = RunFolder(folder).scores(part)
        if scores.is_file():
            report.append(Facts(f"{part}: accuracy in percent", accuracies(scores)))
    if shares := _shares(folder):
        parts, of = ("3b-5c", "stem"), ("least", "median", "most")
        columns = ["term", *(f"{part}: {word}" for part in parts for word in of)]
        report.append(Table("gradient, percent of the classification's", columns, shares))
    examples = RunFolder(folder).examples
    if examples.is_file() and (measures := read_examples(examples).measures):
        words = {f"verdict {n}": line for n, line in enumerate(verdict(measures), 1)}
        report.append(Facts("decoded held-out clips", measures | words))
    files = sorted(path for path in folder.iterdir() if path.is_file())
    rows = [[path.name, path.stat().st_size] for path in files if not path.name.startswith(".")]
    return [*report, Table("files", ["name", "bytes"], rows)]


def _work(folders: list[Path]) -> Report:
    """What is made of datasets, as far as it is, and the runs of each configuration."""
    datasets, runs = [], []
    for folder in folders:
        if folder.name == DATA:
            for shards in sorted(folder.glob("*/*-*/")):
                if (ledger := ShardFolder(shards).ledger).is_file():
                    datasets.append([shards.parent.name, shards.name, *_usable(ledger)])
        for place in sorted(path for path in folder.glob("runs/**/") if _is_run(path)):
            scores = RunFolder(place).scores("test")
            top1 = accuracies(scores).get("top1") if scores.is_file() else None
            name = place.relative_to(folder / "runs").as_posix()
            runs.append([folder.name, name, _state(place), top1])
    return [
        Table("datasets", ["dataset", "images", "videos", "usable"], datasets),
        Table("runs", ["configuration", "run", "state", "test top-1"], runs),
    ]


def _shares(folder: Path) -> list[list[Any]]:
    """The range over a training of each weighted term's gradient, as its log has it."""
    log = RunFolder(folder).metrics
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    names = {name for line in lines for name in line}
    rows = []
    for term in sorted(name.removesuffix("_share_deep") for name in names if "_share_deep" in name):
        row: list[Any] = [term]
        for part in ("deep", "stem"):
            shares = [line[key] for line in lines if (key := f"{term}_share_{part}") in line]
            row += [f"{value:.3g}" for value in (min(shares), median(shares), max(shares))]
        rows.append(row)
    return rows


def _state(folder: Path) -> str:
    files = RunFolder(folder)
    if files.record.is_file() and files.checkpoint.is_file():
        return "evaluated" if files.scores("test").is_file() else "trained"
    log, steps = files.unfinished_metrics, None
    lines = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    for line in lines.splitlines():  # up to the last whole one
        try:
            steps = int(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError):
            break
    return f"unfinished, at step {steps}" if steps is not None else "unfinished"


def _record(folder: Path) -> dict[str, Any]:
    path = RunFolder(folder).record
    try:
        record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    return record if isinstance(record, dict) else {}


def _usable(ledger: Path) -> list[int]:
    """How many videos a ledger lists, and how many of them are ok."""
    with open(ledger, newline="", encoding="utf-8", errors="replace") as file:
        ok = [row.get("status") == "ok" for row in csv.DictReader(file)]
    return [len(ok), sum(ok)]


def _dataset(folder: Path) -> Report:
    """Videos by split and class, listed and present, and the names of those that are missing.

    Raises UserError where no dataset is found, or where its lists break their format.
    """
    found = recognise(folder).model_copy(update={"partial": True, "max_unusable_fraction": 1})
    settings, listing, remarks = list_videos(found)
    facts = {"dataset": settings.format, "lists": settings.lists, "videos in": settings.videos}
    return _listed(facts, listing, remarks + listing.warnings)


def _listed(facts: dict[str, Any], listing: Listing, remarks: list[str]) -> Report:
    videos = listing.videos
    present = [video for video in videos if video.present]
    facts |= {
        "listed": len(videos),
        "present": len(present),
        "missing": len(videos) - len(present),
        "classes": len(listing.class_names),
        "source groups": len({video.group for video in videos}),
    }
    known = {side for video in videos for side in video.sides} | {"train", "test", "unused"}
    sides = [side for side in SIDES if side in known]
    splits = []
    for k in range(len(videos[0].sides) if videos else 0):
        listed_on, present_on = (Counter(v.sides[k] for v in some) for some in (videos, present))
        splits.append([k + 1, *(n for side in sides for n in (listed_on[side], present_on[side]))])
    listed_in, present_in = (Counter(v.class_name for v in some) for some in (videos, present))
    classes = [[name, listed_in[name], present_in[name]] for name in listing.class_names]
    missing = [[video.video_id, video.path] for video in videos if not video.present]
    columns = [words for side in sides for words in (side, f"{side} present")]
    return [
        Facts("dataset", facts),
        Table("remarks", ["remark"], [[remark] for remark in remarks]),
        Table("videos by split", ["split", *columns], splits),
        Table("videos by class", ["class", "listed", "present"], classes),
        Table("missing", ["video_id", "expected at"], missing),
    ]
