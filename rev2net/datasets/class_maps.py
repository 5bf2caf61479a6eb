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
    chosen = [pair for pair in pairs if pair["set"] in smaller]
    class_names = sorted({pair[broader] for pair in chosen})
    return ClassMap(
        class_names,
        {
            dataset: {pair[dataset]: class_names.index(pair[broader]) for pair in chosen}
            for dataset in name.split("_")
        },
    )


def class_map_digest(name: str) -> str:
    """Twelve hex digits that change with the map: its version."""
    return hashlib.sha256(_file(name).read_bytes()).hexdigest()[:12]


def read_pairs(name: str) -> list[dict[str, str]]:
    """All rows of a map, in the order of the file; raises UserError for an unknown map.

    Each has the two datasets' class names, by dataset, and `set`, `confidence` and `note`.
    """
    if name not in CLASS_MAPS:
        raise UserError(f"class map {name!r}: allowed are {', '.join(CLASS_MAPS)}")
    return list(csv.DictReader(_file(name).read_text(encoding="utf-8").splitlines()))


def _file(name: str) -> Traversable:
    return files("rev2net.datasets") / "data" / f"{name}.csv"
