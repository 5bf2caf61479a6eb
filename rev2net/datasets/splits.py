"""A split: the usable videos of a benchmark's parts, its counts and checks (docs/formats.md)."""

import hashlib
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rev2net.config import CrossDataset, WithinDataset
from rev2net.datasets.class_maps import class_map, class_map_digest
from rev2net.datasets.protocols import EVERY_TARGET_TESTED, PARTS, assign_parts
from rev2net.errors import UserError

UNLABELLED = "target_unlabelled"
Checks = dict[str, int | list[str]]

# Parts that must not share a source video, beside the name of the count.
SEPARATE = {
    "groups_in_train_and_test": ("train", "test"),
    "groups_in_train_and_val": ("train", "val"),
    "groups_in_target_unlabelled_and_test": (UNLABELLED, "test"),
}
# Which of them a protocol divides by itself, where the others go by the official lists.
OWN_DIVISIONS = {
    "official": {("train", "val")},
    "official-split1": set(),
    "all-videos": {("train", "val"), (UNLABELLED, "test")},
    EVERY_TARGET_TESTED: {("train", "val")},
}


@dataclass(frozen=True)
class Split:
    """What the two files of a split hold, and what a person should know about it."""

    csv: str
    summary: dict[str, Any]  # of the JSON beside the CSV
    warnings: list[str]


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
    facts = _protocol(settings)
    protocol = facts["protocol"]
    assert protocol is not None
    checked = expected
    if protocol == EVERY_TARGET_TESTED:  # the pool stands in the test by definition
        checked = expected[expected["part"] != UNLABELLED]
    own = OWN_DIVISIONS[protocol] | ({("train", "val")} if settings.validation_fraction else set())
    checks, warnings = check_parts(checked, own)

    class_names = _class_names(settings, indexes)
    is_usable = pd.Series(False, index=expected.index)
    for dataset in settings.datasets:
        is_usable |= (expected["dataset"] == dataset) & expected["video_id"].isin(usable[dataset])
    table = expected[is_usable]
    where = f"{benchmark} split {split}"
    coverage, more_warnings = check_coverage(table, expected, class_names, where)

    csv = _csv(table)
    summary: dict[str, Any] = {
        "benchmark": benchmark,
        "split": split,
        **facts,
        "class_names": class_names,
        "parts": {
            part: _part_summary(part, table, expected, class_names)
            for part in PARTS
            if part in set(expected["part"])
        },
        "checks": {**checks, **coverage},
        "digest": hashlib.sha256(csv.encode()).hexdigest(),
    }
    if isinstance(settings, CrossDataset) and protocol == "all-videos":
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
        return class_map(settings.class_map or "", settings.class_set or "").class_names
    classes = indexes[settings.dataset][["label", "class"]].drop_duplicates()
    return list(classes.sort_values("label")["class"])


def _protocol(settings: WithinDataset | CrossDataset) -> dict[str, str | None]:
    if isinstance(settings, CrossDataset):
        return {
            "protocol": settings.protocol,
            "class_set": settings.class_set,
            "class_map": settings.class_map,
            "class_map_digest": class_map_digest(settings.class_map or ""),
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


def shared_groups(table: pd.DataFrame, first: str, second: str) -> list[tuple[str, str]]:
    """(dataset, group) pairs that stand in both parts, sorted."""

    def groups(part: str) -> set[tuple[str, str]]:
        rows = table[table["part"] == part]
        return set(zip(rows["dataset"], rows["group"], strict=True))

    return sorted(groups(first) & groups(second))


def check_parts(table: pd.DataFrame, own_parts: set[tuple[str, str]]) -> tuple[Checks, list[str]]:
    """Count duplicates and shared groups of a whole protocol, present or not; warnings beside.

    Raises UserError for a video that stands twice, and for a source group on both sides of a
    division in `own_parts`, which is ours. HMDB51's official lists do let clips of one
    film stand on both sides (never within a class): that is counted and told.
    """
    twice = table[table.duplicated(["dataset", "video_id"])]
    if len(twice):
        first = twice.iloc[0]
        raise UserError(f"{first['dataset']} video {first['video_id']} stands twice in the split")
    checks: Checks = {"duplicates": 0}
    warnings = []
    for name, (one, other) in SEPARATE.items():
        if not {one, other} <= set(table["part"]):
            continue
        shared = shared_groups(table, one, other)
        checks[name] = len(shared)
        if not shared:
            continue
        finding = (
            f"{len(shared)} source groups stand in {one} and in {other} "
            f"(first: {shared[0][1]} of {shared[0][0]})"
        )
        if (one, other) in own_parts:
            raise UserError(f"{finding}; a division by groups must not share any")
        warnings.append(f"{finding}; the official lists divide them so")
    return checks, warnings


def check_coverage(
    usable: pd.DataFrame, expected: pd.DataFrame, class_names: list[str], where: str
) -> tuple[Checks, list[str]]:
    """Find classes without usable videos for training or test; warnings beside.

    Raises UserError where no video at all is usable for training or for the test.
    """
    checks: Checks = {}
    warnings = []
    for part in ("train", "test"):
        wanted = expected[expected["part"] == part]
        found = usable[usable["part"] == part]
        if found.empty:
            listed = f"the lists hold {len(wanted)}"
            if len(wanted):
                first = wanted.iloc[0]
                listed += f" of {first['dataset']} (first: {first['video_id']}), none of them ok"
            raise UserError(
                f"{where}: no {part} video is usable: {listed}; a usable video is ok in each of "
                "its dataset's ledgers"
            )
        empty = [name for label, name in enumerate(class_names) if label not in set(found["label"])]
        checks[f"classes_without_{part}"] = empty
        if empty:
            warnings.append(
                f"{len(empty)} of {len(class_names)} classes have no usable {part} video "
                f"({', '.join(empty[:5])}{', …' if len(empty) > 5 else ''})"
            )
    if UNLABELLED in set(expected["part"]) - set(usable["part"]):
        warnings.append("no usable target_unlabelled video: only runs without adaptation can train")
    return checks, warnings
