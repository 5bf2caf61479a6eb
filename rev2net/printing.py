"""Facts and tables, printed for a person or written as JSON for a machine."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

MAX_WIDTH = 100  # characters of a list or an object as printed; JSON has all of it
NOTHING = "-"


@dataclass(frozen=True)
class Facts:
    """Names with a value each."""

    title: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows of cells below their column names."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


Report: TypeAlias = list[Facts | Table]


def print_report(report: Report, max_rows: int | None = None) -> None:
    """Aligned columns; of a longer table the number of rows left out is said."""
    for section in report:
        if isinstance(section, Facts):
            rows: Sequence[Sequence[Any]] = list(section.values.items())
            shown, lines = rows, aligned(rows)
        else:
            rows, shown = section.rows, section.rows[:max_rows]
            lines = aligned(shown, section.columns)
        if rows:
            print(section.title, *(f"  {line}" for line in lines), sep="\n")
        else:
            print(f"{section.title}: none")
        if len(rows) > len(shown):
            print(f"… and {len(rows) - len(shown)} more")
        print()


def aligned(rows: Sequence[Sequence[Any]], head: Sequence[str] = ()) -> list[str]:
    """Rows as lines of columns below their head and a rule, a table's numbers to the right."""
    cells = [[_text(cell) for cell in row] for row in rows]
    sides = [
        str.rjust if head and all(map(_is_number, column)) else str.ljust
        for column in zip(*(cells or [list(head)]), strict=True)
    ]
    cells = [list(head), *cells] if head else cells
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if head:
        cells.insert(1, ["-" * width for width in widths])
    lines = (zip(sides, row, widths, strict=True) for row in cells)
    return ["  ".join(side(cell, width) for side, cell, width in line).rstrip() for line in lines]


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text in ("", NOTHING)


def _text(value: Any) -> str:
    """A value on one line."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return _cut(f"{len(value)}: {', '.join(map(_text, value))}" if value else "none")
    if isinstance(value, Mapping):
        return _cut(", ".join(f"{name} {_text(entry)}" for name, entry in value.items()))
    # Names come from file names and metadata: they may hold anything.
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_WIDTH else text[: MAX_WIDTH - 1] + "…"


def to_json(report: Report) -> str:
    """One object: facts by title as objects, tables by title as lists of objects."""
    sections = {
        section.title: dict(section.values)
        if isinstance(section, Facts)
        else [dict(zip(section.columns, row, strict=True)) for row in section.rows]
        for section in report
    }
    return json.dumps(_plain(sections), indent=1, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """The same of what JSON knows; numpy's scalars become Python's, NaN null, the rest text."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
