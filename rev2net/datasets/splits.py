"""A split: the usable videos of a benchmark's parts, its counts and checks (docs/formats.md)."""

import hashlib
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rev2net.config import CrossDataset, WithinDataset
from rev2net.datasets.categories import class_map, class_map_digest
from rev2net.datasets.checks import check_coverage, check_parts
from rev2net.datasets.protocols import EVERY_TARGET_TESTED, PARTS, assign_parts

UNLABELLED = "target_unlabelled"


@dataclass(frozen=True)
class Split:
    """What the two files of a split hold, and what a person should know about it."""

    csv: str
    summary: dict[str, Any]  # of the JSON beside the CSV
    warnings: list[str]


def datasets_of(settings: WithinDataset | CrossDataset) -> list[str]:
    """The datasets a benchmark needs."""
    if isinstance(settings, WithinDataset):
        return [settings.dataset]
    return [settings.source, settings.target]


def build_split(
    benchmark: str,
    split: int,
    settings: WithinDataset | CrossDataset,
    indexes: dict[str, pd.DataFrame],
    usable: dict[str, set[str]],
) -> Split:
    """Turn a benchmark's protocol into per-video parts.

    `indexes` and `usable` hold, for every dataset of the benchmark, its index and the ids of its
    usable videos. Raises UserError for a missing split, a duplicate, a leak of ours, and parts
    without any usable video.
    """
    expected = assign_parts(settings, split, indexes)
    protocol = getattr(settings, "protocol", None)
    own_parts: set[tuple[str, str]] = set()
    if protocol != "official-split1" or settings.validation_fraction:
        own_parts.add(("train", "val"))
    if protocol == "all-videos":
        own_parts.add((UNLABELLED, "test"))
    tested_pool = protocol == EVERY_TARGET_TESTED
    # There the pool stands in the test by definition: what is checked is everything else.
    checked = expected[expected["part"] != UNLABELLED] if tested_pool else expected
    checks, warnings = check_parts(checked, own_parts)

    class_names = _class_names(settings, indexes)
    is_usable = pd.Series(False, index=expected.index)
    for dataset in datasets_of(settings):
        is_usable |= (expected["dataset"] == dataset) & expected["video_id"].isin(usable[dataset])
    table = expected[is_usable]
    where = f"{benchmark} split {split}"
    coverage, more_warnings = check_coverage(table, expected, class_names, where)

    csv = _csv(table)
    summary: dict[str, Any] = {
        "benchmark": benchmark,
        "split": split,
        **_protocol(settings),
        "class_names": class_names,
        "parts": {
            part: _part_summary(part, table, expected, class_names)
            for part in PARTS
            if part in set(expected["part"])
        },
        "checks": {**checks, **coverage},
        "digest": hashlib.sha256(csv.encode()).hexdigest(),
    }
    if isinstance(settings, CrossDataset) and settings.protocol == "all-videos":
        # The protocol's authors test on every target clip: what that test would hold.
        of_target = expected["dataset"] == settings.target
        summary["all_target_videos"] = {
            "expected": int(of_target.sum()),
            "usable": int((of_target & is_usable).sum()),
        }
    return Split(csv, summary, warnings + more_warnings)


def _class_names(
    settings: WithinDataset | CrossDataset, indexes: dict[str, pd.DataFrame]
) -> list[str]:
    if isinstance(settings, CrossDataset):
        return class_map(settings.class_map, settings.class_set).class_names
    classes = indexes[settings.dataset][["label", "class"]].drop_duplicates()
    return list(classes.sort_values("label")["class"])


def _protocol(settings: WithinDataset | CrossDataset) -> dict[str, str | None]:
    if isinstance(settings, CrossDataset):
        return {
            "protocol": settings.protocol,
            "class_set": settings.class_set,
            "class_map": settings.class_map,
            "class_map_digest": class_map_digest(settings.class_map),
        }
    return {"protocol": "official", "class_set": None, "class_map": None, "class_map_digest": None}


def _csv(table: pd.DataFrame) -> str:
    """Rows by part, then video; the labels of the target pool stop here."""
    labels = table["label"].astype(str).mask(table["part"] == UNLABELLED, "")
    order = table["part"].map(PARTS.index)
    rows = table.assign(label=labels, order=order).sort_values(["order", "dataset", "video_id"])
    return rows.drop(columns="order").to_csv(index=False, lineterminator="\n")


def _part_summary(
    part: str, table: pd.DataFrame, expected: pd.DataFrame, class_names: list[str]
) -> dict[str, Any]:
    rows = table[table["part"] == part]
    summary: dict[str, Any] = {
        "expected": int((expected["part"] == part).sum()),
        "usable": len(rows),
        "groups": len(rows[["dataset", "group"]].drop_duplicates()),
    }
    if part != UNLABELLED:
        counts = rows["label"].value_counts()
        summary["per_class"] = {
            name: int(counts.get(label, 0)) for label, name in enumerate(class_names)
        }
    return summary
