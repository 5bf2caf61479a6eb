"""Folders that the workflow fills: a run, a configuration's work/<name>, and work/ itself."""

import csv
import json
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from rev2net.errors import UserError
from rev2net.inspection.hdf5 import accuracies
from rev2net.inspection.report import Facts, Report, Table
from rev2net.runs.examples import read_examples, verdict
from rev2net.runs.folder import RunFolder, ShardFolder


def is_run(folder: Path) -> bool:
    """Whether a training has written into a folder."""
    files = RunFolder(folder)
    # The first where it is finished, the others before.
    ours = (files.record, files.checkpoint, files.state, files.unfinished_metrics)
    return any(file.is_file() for file in ours)


def work_folders(folder: Path) -> list[Path]:
    """The configurations' folders: work/<name> itself, or those in work/; none for another."""
    inside = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    found = [path for path in inside if (path / "runs").is_dir() or (path / "shards").is_dir()]
    return found[:1] if found[:1] == [folder] else found


def inspect_run(folder: Path) -> Report:
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
    if (examples := RunFolder(folder).examples).is_file():
        measures = read_examples(examples).measures
        if measures:
            words = {f"verdict {n}": line for n, line in enumerate(verdict(measures), 1)}
            report.append(Facts("decoded held-out clips", measures | words))
    files = sorted(path for path in folder.iterdir() if path.is_file())
    rows = [[path.name, path.stat().st_size] for path in files if not path.name.startswith(".")]
    return [*report, Table("files", ["name", "bytes"], rows)]


def inspect_work(folders: list[Path]) -> Report:
    """Of each configuration: its datasets, as far as they are made, and its runs."""
    datasets, runs = [], []
    for folder in folders:
        for shards in sorted(folder.glob("shards/*/")):
            if (ledger := ShardFolder(shards).ledger).is_file():
                datasets.append([folder.name, shards.name, *_usable(ledger)])
        for place in sorted(path for path in folder.glob("runs/**/") if is_run(path)):
            scores = RunFolder(place).scores("test")
            top1 = accuracies(scores).get("top1") if scores.is_file() else None
            name = place.relative_to(folder / "runs").as_posix()
            runs.append([folder.name, name, _state(place), top1])
    return [
        Table("datasets", ["configuration", "dataset", "videos", "usable"], datasets),
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
    steps = _last_step(files.unfinished_metrics)
    return f"unfinished, at step {steps}" if steps is not None else "unfinished"


def _record(folder: Path) -> dict[str, Any]:
    path = RunFolder(folder).record
    try:
        record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    return record if isinstance(record, dict) else {}


def _last_step(log: Path) -> int | None:
    """Of the last whole line of a training's log."""
    steps = None
    for line in (
        log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else ()
    ):
        try:
            steps = int(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError):
            break
    return steps


def _usable(ledger: Path) -> list[int]:
    """How many videos a ledger lists, and how many are ok in every kind."""
    bad: Counter[str] = Counter()
    with open(ledger, newline="", encoding="utf-8", errors="replace") as file:
        for row in csv.DictReader(file):
            bad[row.get("video_id") or ""] += row.get("status") != "ok"
    return [len(bad), sum(not count for count in bad.values())]
