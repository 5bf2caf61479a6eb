"""Classes that two datasets share: by a map, shipped or one's own, or because both name them alike.

A map is a CSV, one row a pair: a column a dataset with the names of its classes, and, where there
is more to say, the smallest set that contains the pair, the confidence that both names mean the
same action, and a note. Sets are nested. The classes of a map are those of the dataset with the
broader classes: several classes of the other may fall into one of them.

Imports no pandas: a configuration is checked before the first job.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from rev2net.datasets.listing import numbered_rows, read_list, wrong_delimiter
from rev2net.errors import UserError

# Map -> (dataset with the broader classes, its sets from the smallest to the largest).
# ucf101_hmdb51: small and full are the sets of Chen et al., "Temporal Attentive Alignment" (2019).
CLASS_MAPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ucf101_hmdb51": ("hmdb51", ("small", "full", "wide-14", "wide-16", "wide-20")),
    "ucf101_kinetics400": ("ucf101", ("strict", "wide")),
    "hmdb51_kinetics400": ("hmdb51", ("strict", "wide")),
}
REMARKS = ("set", "confidence", "note")  # columns that are no dataset's


@dataclass(frozen=True)
class ClassMap:
    """The shared classes of two datasets."""

    class_names: list[str]  # alphabetical; a label is a position in this list
    labels: dict[str, dict[str, int]]  # dataset -> class name there -> label


@dataclass(frozen=True)
class Pair:
    """One row of a map."""

    line: int
    names: dict[str, str]  # column -> class name; empty where the row says nothing of it
    set: str  # empty where the map has no sets
    confidence: str
    note: str


@dataclass(frozen=True)
class Pairs:
    """A map as its file has it."""

    where: str  # the name of a shipped map, or the path of one's own
    columns: tuple[str, ...]  # of its datasets
    sets: tuple[str, ...]  # from the smallest to the largest; none: only all pairs together
    broader: str | None  # the column that names the classes; None: the file does not say it
    rows: list[Pair]


def class_map(
    where: str, class_set: str | None, columns: Mapping[str, str] | None = None
) -> ClassMap:
    """The shared classes of one set of a map, or, where that is None, of all its pairs.

    `where` is the name of a shipped map or the path of a CSV file; `columns` has the column of
    each of two datasets (default: the first two columns, under their own names).

    >>> class_map("ucf101_hmdb51", "small").labels["ucf101"]["Biking"]
    2

    Raises UserError for a map, set or column that does not exist, and for a class that would have
    two labels.
    """
    pairs = read_pairs(where)
    columns = columns or dict(zip(pairs.columns[:2], pairs.columns[:2], strict=True))
    for column in columns.values():
        if column not in pairs.columns:
            raise UserError(f"{where}: no column {column!r}; it has {', '.join(pairs.columns)}")
    if class_set is not None and class_set not in pairs.sets:
        allowed = ", ".join(pairs.sets) or "none (the file has no column `set`)"
        raise UserError(f"class set {class_set!r} of {where}: allowed are {allowed}")
    used = [row for row in pairs.rows if all(row.names[column] for column in columns.values())]
    if not used:
        raise UserError(f"{where}: no row has a class in both {' and '.join(columns.values())}")
    broader, finer = _by_breadth(pairs, list(columns.values()), used)
    if class_set is not None:
        smaller = pairs.sets[: pairs.sets.index(class_set) + 1]
        used = [row for row in used if row.set in smaller]
    first: dict[str, Pair] = {}
    for row in used:
        other = first.setdefault(row.names[finer], row)
        if other.names[broader] != row.names[broader]:
            raise UserError(
                f"{where}:{row.line}: {row.names[finer]!r} of {finer} is in line {other.line} "
                f"already; a class has one label, and classes of {broader} may have several"
            )
    class_names = sorted({row.names[broader] for row in used})
    number = {name: label for label, name in enumerate(class_names)}
    return ClassMap(
        class_names,
        {
            dataset: {row.names[column]: number[row.names[broader]] for row in used}
            for dataset, column in columns.items()
        },
    )


def alike_classes(classes: Mapping[str, Iterable[str]]) -> ClassMap:
    """The classes that two datasets name alike, in the words of the first.

    `classes` has the class names of each. Raises UserError where they share none, and for two
    names in one dataset that are alike.
    """
    (first, names), (second, others) = (
        (dataset, _by_likeness(dataset, of_it)) for dataset, of_it in classes.items()
    )
    shared = sorted(name for likeness, name in names.items() if likeness in others)
    if not shared:
        raise UserError(
            f"{first} and {second} name no class alike ({some_of(names.values())}; "
            f"{some_of(others.values())}); give class_map, a CSV file with a pair a row"
        )
    number = {name: label for label, name in enumerate(shared)}
    return ClassMap(
        shared,
        {
            first: number,
            second: {others[likeness(name)]: label for name, label in number.items()},
        },
    )


def likeness(name: str) -> str:
    """What two class names must have in common to be alike.

    >>> likeness("Shoot_Ball") == likeness("shoot-ball") == likeness("shoot ball")
    True
    """
    composed = unicodedata.normalize("NFC", name)
    return re.sub(r"[\s_-]", "", composed.casefold())


def column_of(dataset: str, published_as: str, pairs: Pairs) -> str:
    """The column of a dataset: named like it, or else like the format that it is published in.

    Raises UserError where there is neither.
    """
    for column in (dataset, published_as):
        if column in pairs.columns:
            return column
    names = dict.fromkeys((dataset, published_as))
    raise UserError(
        f"{pairs.where}: no column {' or '.join(map(repr, names))} for dataset {dataset}; "
        f"it has {', '.join(pairs.columns)}"
    )


def class_map_digest(where: str) -> str:
    """Twelve hex digits that change with the map: its version."""
    with as_file(files("rev2net.datasets") / "data" / f"{where}.csv") as shipped:
        path = shipped if where in CLASS_MAPS else Path(where)
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def read_pairs(where: str) -> Pairs:
    """A map, shipped or one's own, whole and in the order of the file.

    Raises UserError for an unknown map, a file that is no such CSV, and a row that says nothing of
    two datasets, or twice what another says.
    """
    if where in CLASS_MAPS:
        with as_file(files("rev2net.datasets") / "data" / f"{where}.csv") as path:
            columns, rows = _read(path)
        broader, sets = CLASS_MAPS[where]
        return Pairs(where, columns, sets, broader, rows)
    if not Path(where).is_file():
        raise UserError(
            f"class map {where!r}: allowed are {', '.join(CLASS_MAPS)}, or the path of a CSV file "
            "(there is no such file)"
        )
    columns, rows = _read(Path(where))
    return Pairs(
        where, columns, tuple(dict.fromkeys(row.set for row in rows if row.set)), None, rows
    )


def _read(path: Path) -> tuple[tuple[str, ...], list[Pair]]:
    numbered = numbered_rows(path, read_list(path))
    header = numbered[0][1] if numbered else []
    columns = tuple(name for name in header if name not in REMARKS)
    allowed = f"a column a dataset (two or more), and {', '.join(REMARKS)} where wanted"
    if len(columns) < 2:
        found = wrong_delimiter(header)
        raise UserError(f"{path}: {found or f'columns {header}'}; a class map has {allowed}")
    if "" in header or len(set(header)) < len(header):
        raise UserError(
            f"{path}:1: columns {header}: one is empty or stands twice; needed: {allowed}"
        )
    rows: list[Pair] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, values in numbered[1:]:
        cells = dict(zip(header, values, strict=True))
        pair = Pair(
            line,
            {column: cells[column] for column in columns},
            *(cells.get(remark, "") for remark in REMARKS),
        )
        names = tuple(pair.names.values())
        if sum(map(bool, names)) < 2:
            raise UserError(f"{path}:{line}: {list(names)}: a row pairs classes of two datasets")
        if "set" in header and not pair.set:
            raise UserError(f"{path}:{line}: no set; each pair is in one, or leave out the column")
        if seen.setdefault(names, line) != line:
            raise UserError(f"{path}:{line}: {list(names)} is in line {seen[names]} already")
        rows.append(pair)
    if not rows:
        raise UserError(f"{path}: no pair below the header")
    return columns, rows


def _by_breadth(pairs: Pairs, columns: list[str], used: list[Pair]) -> tuple[str, str]:
    """The column of the broader classes and the other: where names repeat, as more fall into them.

    Where none do, the first of the file's, so that both directions have the same class names.
    """
    first, second = sorted(columns, key=pairs.columns.index)
    if pairs.broader in (first, second):
        return (first, second) if pairs.broader == first else (second, first)
    both = {(row.names[first], row.names[second]) for row in used}
    repeats_first = len({name for name, _ in both}) < len(both)
    repeats_second = len({name for _, name in both}) < len(both)
    return (second, first) if repeats_second and not repeats_first else (first, second)


def _by_likeness(dataset: str, names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        if (other := found.setdefault(likeness(name), name)) != name:
            raise UserError(
                f"{dataset} has the classes {other!r} and {name!r}, which are alike; give "
                "class_map, a CSV file with a pair a row"
            )
    return found


def some_of(names: Iterable[str]) -> str:
    """A few of many names, for an error in one line."""
    shown = sorted(names)
    return ", ".join(shown[:4]) + (", …" if len(shown) > 4 else "")
