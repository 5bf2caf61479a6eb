"""Checks of a split: duplicates, source groups on both sides, classes without videos."""

import pandas as pd

from rev2net.errors import UserError

Checks = dict[str, int | list[str]]

# Parts that must not share a source video, beside the name of the count.
SEPARATE = {
    "groups_in_train_and_test": ("train", "test"),
    "groups_in_train_and_val": ("train", "val"),
    "groups_in_target_unlabelled_and_test": ("target_unlabelled", "test"),
}


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
                f"{where}: no {part} video is usable: {listed}; a usable video is ok in RGB and in "
                "flow in its dataset's ledger"
            )
        empty = [name for label, name in enumerate(class_names) if label not in set(found["label"])]
        checks[f"classes_without_{part}"] = empty
        if empty:
            warnings.append(
                f"{len(empty)} of {len(class_names)} classes have no usable {part} video "
                f"({', '.join(empty[:5])}{', …' if len(empty) > 5 else ''})"
            )
    pool = "target_unlabelled"
    if pool in set(expected["part"]) and pool not in set(usable["part"]):
        warnings.append("no usable target_unlabelled video: only runs without adaptation can train")
    return checks, warnings
