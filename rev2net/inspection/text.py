"""Text files: ledgers, indexes, splits and other CSV, our JSON, and training logs (JSON lines)."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rev2net.errors import UserError
from rev2net.inspection.report import Facts, Report, Table


def inspect_csv(path: Path) -> Report:
    """The rows; of a ledger counts by status and only the rows that are not ok, of an index and a
    split counts by class and part beside them.
    """
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            columns, *rows = list(csv.reader(file)) or [[]]
    except csv.Error as error:
        raise UserError(f"{path}: not CSV ({error})") from None
    width = len(columns)
    rows = [[*row[:width], *[""] * (width - len(row))] for row in rows if row]
    if {"kind", "status"} <= set(columns):
        status = columns.index("status")
        bad = [row for row in rows if row[status] != "ok"]
        counts = _counts("videos by status", columns, rows, "kind", "status")
        return [counts, Table("not ok", columns, bad)]
    report: Report = [Facts("content", {"rows": len(rows), "columns": columns})]
    if {"video_id", "part"} <= set(columns):
        report.append(_counts("videos by part", columns, rows, "dataset", "part"))
    if {"video_id", "split1"} <= set(columns):
        splits = [name for name in columns if name.startswith("split")]
        sides = ("train", "test", "unused")
        report.append(
            Table(
                "videos by split",
                ["split", *sides],
                [[k, *(_number(columns, rows, k, side) for side in sides)] for k in splits],
            )
        )
        report.append(_counts("videos by class", columns, rows, "label", "class"))
    return [*report, Table("rows", columns, rows)]


def _counts(title: str, columns: list[str], rows: list[list[str]], *keys: str) -> Table:
    places = [columns.index(key) for key in keys if key in columns]
    counts = Counter(tuple(row[place] for place in places) for row in rows)
    names = [columns[place] for place in places]
    return Table(title, [*names, "videos"], [[*key, n] for key, n in counts.items()])


def _number(columns: list[str], rows: list[list[str]], name: str, value: str) -> int:
    place = columns.index(name)
    return sum(row[place] == value for row in rows)


def inspect_json(path: Path) -> Report:
    """Every value under its dotted name; raises UserError for a file that is no JSON."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    if not isinstance(values, dict):
        return [Facts("content", {"value": values})]
    return [Facts("content", dict(_leaves(values)))]


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def inspect_json_lines(path: Path) -> Report:
    """A training's log: how far it came, and its lines; raises UserError for another file."""
    entries = []
    with open(path, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UserError(f"{path}:{number}: not JSON ({error})") from None
            if not isinstance(entry, dict):
                raise UserError(f"{path}:{number}: found {line.strip()!r}, expected an object")
            entries.append(entry)
    columns = list(dict.fromkeys(name for entry in entries for name in entry))
    rows = [[entry.get(name) for name in columns] for entry in entries]
    facts: dict[str, Any] = {"lines": len(entries)}
    facts |= {f"last {name}": value for name, value in (entries[-1] if entries else {}).items()}
    return [Facts("content", facts), Table("lines", columns, rows)]
