"""A split: the usable videos of a benchmark's parts, its counts and checks (docs/formats.md)."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from rev2net.config import CrossDataset, WithinDataset
from rev2net.datasets.class_maps import CLASS_MAPS, ClassMap, class_map_digest
from rev2net.datasets.protocols import (
    EVERY_TARGET_TESTED,
    PARTS,
    assign_parts,
    goes_by_lists,
    shared_classes,
)
from rev2net.errors import UserError

UNLABELLED = "target_unlabelled"
FEW_GROUPS = 5  # of a test: fewer are as good as none for an interval
Checks = dict[str, int | list[str]]

# Parts that must not share a source video.
SEPARATE = (("train", "test"), ("train", "val"), (UNLABELLED, "test"))


@dataclass(frozen=True)
class Split:
    """What the two files of a split hold, and what a person should know about it."""

    csv: str
    summary: dict[str, Any]  # of the JSON beside the CSV
    warnings: list[str]


class Place(NamedTuple):
    """A video, and the part in which it stands."""

    dataset: str
    video_id: str
    part: str

    def __str__(self) -> str:
        return f"{self.video_id} of {self.dataset} ({self.part})"


def build_split(
    benchmark: str,
    split: int,
    settings: WithinDataset | CrossDataset,
    indexes: dict[str, pd.DataFrame],
    usable: dict[str, set[str]],
    contents: Mapping[str, Mapping[str, str]] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Split:
    """Turn a benchmark's protocol into per-video parts.

    `indexes`, `usable` and `contents` hold, for every dataset of the benchmark, its index, the ids
    of its usable videos, and the digest of what a video shows, where that is known; `columns` has
    the class map's column of each dataset, where that is not its name. Raises UserError for a
    missing split, a duplicate, a leak, and parts without any usable video.
    """
    expected = assign_parts(settings, split, indexes, columns)
    facts = _protocol(settings)
    checked = expected
    if settings.protocol == EVERY_TARGET_TESTED:  # the pool stands in the test by definition
        checked = expected[expected["part"] != UNLABELLED]
    own = _own_divisions(settings, indexes)
    if settings.validation_fraction:
        own = own | {("train", "val")}
    checks, warnings = check_parts(checked, own)

    if isinstance(settings, CrossDataset):
        shared = shared_classes(settings, indexes, columns)
        class_names = shared.class_names
        if settings.class_map not in CLASS_MAPS:  # a shipped one leaves out what it leaves out
            warnings += _one_sided(shared, indexes)
    else:
        classes = indexes[settings.dataset][["label", "class"]].drop_duplicates()
        class_names = list(classes.sort_values("label")["class"])
    is_usable = pd.Series(False, index=expected.index)
    for dataset in settings.datasets:
        is_usable |= (expected["dataset"] == dataset) & expected["video_id"].isin(usable[dataset])
    table = expected[is_usable]
    where = f"{benchmark} split {split}"
    coverage, more_warnings = check_coverage(table, expected, class_names, where)
    same, leaks = same_content(table[table.index.isin(checked.index)], contents or {})
    if leaks and not settings.allow_duplicates:
        one, other = leaks[0]
        more = f", and {len(leaks) - 1} more such pairs" if len(leaks) > 1 else ""
        raise UserError(
            f"{where}: {one} and {other} decode to the same first frames{more}; leave one of them "
            f"out of its dataset, or set benchmarks.{benchmark}.allow_duplicates: true"
        )
    if same:
        more_warnings.append(
            f"sets of videos that decode to the same first frames: {len(same)} "
            f"(first: {' and '.join(map(str, same[0]))})"
        )

    notes = _notes(settings, indexes, class_names, leaks)
    tested = table[table["part"] == "test"]["group"].nunique()
    if tested < FEW_GROUPS:
        notes.append(
            f"the test videos are of {tested} source {'groups' if tested > 1 else 'group'} only: "
            "an interval over so few says nothing"
        )
        more_warnings.append(notes[-1])

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
        "same_content": same,
        "notes": notes,
        "digest": hashlib.sha256(csv.encode()).hexdigest(),
    }
    if settings.protocol == "all-videos":
        # The protocol's authors test on every target clip: what that test would hold.
        of_target = expected["dataset"] == settings.datasets[-1]
        summary["all_target_videos"] = {
            "expected": int(of_target.sum()),
            "usable": int((of_target & is_usable).sum()),
        }
    return Split(csv, summary, warnings + more_warnings)


def _protocol(settings: WithinDataset | CrossDataset) -> dict[str, str | None]:
    facts: dict[str, str | None] = {"protocol": settings.protocol}
    facts |= dict.fromkeys(("class_set", "class_map", "class_map_digest"))
    if isinstance(settings, CrossDataset) and settings.class_map is not None:
        facts["class_set"] = settings.class_set
        facts["class_map"] = settings.class_map
        facts["class_map_digest"] = class_map_digest(settings.class_map)
    return facts


def _own_divisions(
    settings: WithinDataset | CrossDataset, indexes: dict[str, pd.DataFrame]
) -> set[tuple[str, str]]:
    """Pairs of parts that the protocol divides by itself, where others go by the lists."""
    protocol = settings.protocol
    if isinstance(settings, WithinDataset):
        return {("train", "test")} if protocol == "by-group" else set()
    own = set()
    if not goes_by_lists(protocol, indexes[settings.source]):
        own.add(("train", "val"))
    if protocol != EVERY_TARGET_TESTED and not goes_by_lists(protocol, indexes[settings.target]):
        own.add((UNLABELLED, "test"))
    return own


def _notes(
    settings: WithinDataset | CrossDataset,
    indexes: dict[str, pd.DataFrame],
    class_names: list[str],
    leaks: list[tuple[Place, Place]],
) -> list[str]:
    """What a reader of a table on this split should know of its data."""
    notes = []
    if isinstance(settings, CrossDataset) and settings.class_map is None:
        notes.append(f"the {len(class_names)} classes are those that both datasets name alike")
    for dataset in settings.datasets:
        videos = indexes[dataset]
        alone = int((videos["group"] == videos["video_id"]).sum())
        if alone:
            some = f"{alone} of {len(videos)} videos of {dataset!r} are groups of their own"
            if alone == len(videos):
                some = f"every video of {dataset!r} is its own group"
            notes.append(f"{some}: its lists name no source videos")
    if leaks:
        notes.append(
            f"pairs of videos with the same first frames on both sides of the split: {len(leaks)}, "
            "which its settings allow"
        )
    return notes


def _one_sided(shared: ClassMap, indexes: dict[str, pd.DataFrame]) -> list[str]:
    """Warnings on classes that only one dataset has."""
    warnings = []
    for dataset, labels in shared.labels.items():
        left_out = Counter(name for name in indexes[dataset]["class"] if name not in labels)
        if left_out:
            names = [f"{name} {count}" for name, count in sorted(left_out.items())]
            warnings.append(
                f"classes of {dataset} that are not shared: {len(left_out)}, whose "
                f"{left_out.total()} videos are not used ({', '.join(names[:5])}"
                f"{', …' if len(names) > 5 else ''})"
            )
    return warnings


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


def same_content(
    table: pd.DataFrame, contents: Mapping[str, Mapping[str, str]]
) -> tuple[list[list[Place]], list[tuple[Place, Place]]]:
    """Videos of one content, set by set; and pairs of them in parts that must not share any.

    `contents` has the digests of each dataset's videos; an empty one says nothing.
    """
    found: dict[str, list[Place]] = {}
    rows = zip(table["dataset"], table["video_id"], table["part"], strict=True)
    for dataset, video_id, part in rows:
        content = contents.get(dataset, {}).get(video_id)
        if content:
            found.setdefault(content, []).append(Place(dataset, video_id, part))
    same = sorted(sorted(places) for places in found.values() if len(places) > 1)
    leaks = [
        pair if (pair[0].part, pair[1].part) in SEPARATE else pair[::-1]
        for places in same
        for pair in itertools.combinations(places, 2)
        if {(pair[0].part, pair[1].part), (pair[1].part, pair[0].part)} & set(SEPARATE)
    ]
    return same, leaks


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
    for one, other in SEPARATE:
        if not {one, other} <= set(table["part"]):
            continue
        shared = shared_groups(table, one, other)
        checks[f"groups_in_{one}_and_{other}"] = len(shared)
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
