"""Classes that two datasets share: curated pairs, checked in as data, in nested sets.

A map is a CSV of `rev2net/datasets/data`, one row a pair: the two class names, the smallest set
that contains the pair, the confidence that both names mean the same action, and a note. The classes
of a map are those of the dataset with the broader classes: several classes of the other may
fall into one of them.
"""

import csv
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from rev2net.errors import UserError

# Map -> (dataset with the broader classes, its sets from the smallest to the largest).
# ucf101_hmdb51: small and full are the sets of Chen et al., "Temporal Attentive Alignment" (2019).
CLASS_MAPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ucf101_hmdb51": ("hmdb51", ("small", "full", "wide-14", "wide-16", "wide-20")),
    "ucf101_kinetics400": ("ucf101", ("strict", "wide")),
    "hmdb51_kinetics400": ("hmdb51", ("strict", "wide")),
}
CONFIDENCES = ("high", "medium", "low")


@dataclass(frozen=True)
class Pair:
    """One row of a map."""

    names: dict[str, str]  # dataset -> its class name
    smallest_set: str
    confidence: str
    note: str


@dataclass(frozen=True)
class ClassMap:
    """The shared classes of two datasets."""

    class_names: list[str]  # alphabetical; a label is a position in this list
    labels: dict[str, dict[str, int]]  # dataset -> class name there -> label


def class_map(name: str, class_set: str) -> ClassMap:
    """The shared classes of one set.

    >>> class_map("ucf101_hmdb51", "small").labels["ucf101"]["Biking"]
    2

    Raises UserError for a map or set that does not exist.
    """
    pairs = read_pairs(name)
    broader, sets = CLASS_MAPS[name]
    if class_set not in sets:
        raise UserError(f"class set {class_set!r} of {name}: allowed are {', '.join(sets)}")
    smaller = sets[: sets.index(class_set) + 1]
    chosen = [pair.names for pair in pairs if pair.smallest_set in smaller]
    class_names = sorted({names[broader] for names in chosen})
    return ClassMap(
        class_names,
        {
            dataset: {names[dataset]: class_names.index(names[broader]) for names in chosen}
            for dataset in name.split("_")
        },
    )


def class_map_digest(name: str) -> str:
    """Twelve hex digits that change with the map: its version."""
    return hashlib.sha256(_file(name).read_bytes()).hexdigest()[:12]


def read_pairs(name: str) -> list[Pair]:
    """All pairs of a map, in the order of the file; raises UserError for an unknown map."""
    if name not in CLASS_MAPS:
        raise UserError(f"class map {name!r}: allowed are {', '.join(CLASS_MAPS)}")
    text = _file(name).read_text(encoding="utf-8")
    return [
        Pair(
            names={dataset: row[dataset] for dataset in name.split("_")},
            smallest_set=row["set"],
            confidence=row["confidence"],
            note=row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    ]


def _file(name: str) -> Traversable:
    return files("rev2net.datasets") / "data" / f"{name}.csv"
