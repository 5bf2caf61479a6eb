"""The protocols: which videos of a dataset's index stand in which part of a benchmark.

A protocol sees the lists alone, never what is on the disk: an incomplete copy does not
move a video from one part to another.
"""

import difflib
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping

import pandas as pd

from rev2net.config import CrossDataset, WithinDataset
from rev2net.datasets.class_maps import CLASS_MAPS, ClassMap, alike_classes, class_map, read_pairs
from rev2net.errors import UserError

PARTS = ("train", "val", "target_unlabelled", "test")
COLUMNS = ["video_id", "dataset", "label", "group", "part"]
LISTS_OR_GROUPS = "lists-or-groups"  # whichever a dataset has
BY_LISTS = ("official", "official-split1", LISTS_OR_GROUPS)  # where the lists have sides
EVERY_TARGET_TESTED = "all-videos-tested"  # the pool, without labels, is part of the test


def assign_parts(
    settings: WithinDataset | CrossDataset,
    split: int,
    indexes: dict[str, pd.DataFrame],
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The parts of a split: a table `video_id, dataset, label, group, part`, one row a video.

    Rows of `target_unlabelled` still have their labels here, for the counts. `indexes` holds
    the index of every dataset of the benchmark, `columns` as of `shared_classes`. Raises UserError
    for a split that a dataset lacks.
    """
    if isinstance(settings, WithinDataset):
        return _within_dataset(settings, split, indexes[settings.dataset])
    shared = shared_classes(settings, indexes, columns)
    tables = []
    for dataset, held_in, held_out in (
        (settings.source, "train", "val"),
        (settings.target, "target_unlabelled", "test"),
    ):
        labels = indexes[dataset]["class"].map(shared.labels[dataset])
        videos = indexes[dataset].assign(label=labels)[labels.notna()]
        if goes_by_lists(settings.protocol, indexes[dataset]):
            sides = {"train": held_in, "test": held_out}
            parts = _official(videos, dataset, split, sides, "all-videos or lists-or-groups")
        else:
            parts = _by_group(videos, dataset, split, settings.held_out, held_in, held_out)
        if settings.validation_fraction and dataset == settings.source:
            parts = parts.where(parts == "train")
            parts = _hold_out(videos, dataset, split, parts, settings.validation_fraction)
        if settings.protocol == EVERY_TARGET_TESTED and dataset == settings.target:
            pool = parts[parts == held_in].reindex(videos.index)
            tables.append(_table(videos, dataset, pool))
            parts = pd.Series(held_out, index=videos.index)
        tables.append(_table(videos, dataset, parts))
    return pd.concat(tables, ignore_index=True)


def goes_by_lists(protocol: str, index: pd.DataFrame) -> bool:
    """Whether a protocol takes a dataset's sides from its lists, and does not divide it itself."""
    has_sides = any(name.startswith("split") for name in index.columns)
    return protocol in BY_LISTS and (has_sides or protocol != LISTS_OR_GROUPS)


def shared_classes(
    settings: CrossDataset,
    indexes: dict[str, pd.DataFrame],
    columns: Mapping[str, str] | None = None,
) -> ClassMap:
    """The classes of a benchmark between two datasets: those of its map, or that both name alike.

    `columns` has the map's column of each dataset, where that is not the dataset's name. Raises
    UserError where no class is shared, and for one of one's own map that a dataset lacks.
    """
    present = {dataset: set(indexes[dataset]["class"]) for dataset in settings.datasets}
    if settings.class_map is None:
        return alike_classes(present)
    column = {dataset: (columns or {}).get(dataset, dataset) for dataset in settings.datasets}
    shared = class_map(settings.class_map, settings.class_set, column)
    refuse_unknown_classes(settings.class_map, shared, column, present)
    return shared


def refuse_unknown_classes(
    where: str, shared: ClassMap, column: Mapping[str, str], present: Mapping[str, Collection[str]]
) -> None:
    """Raise UserError for a shared class of one's own map that a dataset of `present` lacks.

    A shipped map is right; an incomplete copy lacks classes.
    """
    if where in CLASS_MAPS:
        return
    for row in read_pairs(where).rows:
        for dataset, classes in present.items():
            name = row.names[column[dataset]]
            if name in shared.labels[dataset] and name not in classes:
                near = difflib.get_close_matches(name, classes, n=1)
                hint = f"did you mean {near[0]!r}?" if near else ", ".join(sorted(classes))
                raise UserError(f"{where}:{row.line}: {name!r} is no class of {dataset}; {hint}")


def hold_out_groups(videos: pd.DataFrame, fraction: float, seed: str) -> set[str]:
    """Groups that together hold about `fraction` of the videos of every class.

    `videos` has the columns `label` and `group`. Groups are visited in the order of a hash of their
    name and `seed`, so that the order of rows does not matter, and moved to the held-out side or
    back until no single move brings the classes' shares closer to `fraction`. No class is held
    out whole, and each has a group held out where that costs no other class its last.
    """
    if fraction <= 0:
        return set()
    sizes: dict[str, dict[int, int]] = {}  # group -> label -> clips
    for group, label in zip(videos["group"], videos["label"], strict=True):
        of_group = sizes.setdefault(group, {})
        of_group[label] = of_group.get(label, 0) + 1
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
    total = Counter(videos["label"])
    held_clips = dict.fromkeys(total, 0)
    held: set[str] = set()

    def gain(group: str) -> float:
        """How much closer a move brings the shares: sum over classes of (clips off)^2 / clips."""
        sign = -1 if group in held else 1
        decrease = 0.0
        for label, clips in sizes[group].items():
            off = held_clips[label] - fraction * total[label]
            decrease += (off**2 - (off + sign * clips) ** 2) / total[label]
        return decrease

    def may_be_held(group: str) -> bool:
        return all(
            held_clips[label] + clips < total[label] for label, clips in sizes[group].items()
        )

    def move(group: str) -> None:
        sign = -1 if group in held else 1
        held.symmetric_difference_update([group])
        for label, clips in sizes[group].items():
            held_clips[label] += sign * clips

    moved = True
    while moved:
        moved = False
        for group in order:
            # The margin keeps rounding errors from moving a group back and forth for ever.
            if gain(group) > 1e-9 and (group in held or may_be_held(group)):
                move(group)
                moved = True
    for label in sorted(total):
        if not held_clips[label]:
            candidates = [group for group in order if label in sizes[group] and may_be_held(group)]
            if candidates:
                move(max(candidates, key=gain))
    return held


def _within_dataset(settings: WithinDataset, split: int, index: pd.DataFrame) -> pd.DataFrame:
    if settings.protocol == "by-group":
        parts = _by_group(index, settings.dataset, split, settings.held_out, "train", "test")
    else:
        sides = {side: side for side in ("train", "val", "test")}
        parts = _official(index, settings.dataset, split, sides, "by-group")
    if settings.validation_fraction:  # in place of a val side of its own
        parts = parts.where(parts != "val")
        parts = _hold_out(index, settings.dataset, split, parts, settings.validation_fraction)
    return _table(index, settings.dataset, parts)


def _by_group(
    videos: pd.DataFrame, dataset: str, split: int, fraction: float, held_in: str, held_out: str
) -> "pd.Series[str]":
    """Parts of all videos, whose split k is the k-th division of their groups."""
    held = hold_out_groups(videos, fraction, f"{dataset}/split{split}")
    return videos["group"].isin(held).map({False: held_in, True: held_out})


def _hold_out(
    videos: pd.DataFrame, dataset: str, split: int, parts: "pd.Series[str]", fraction: float
) -> "pd.Series[str]":
    """The parts with whole groups of the training list as `val`."""
    held = hold_out_groups(videos[parts == "train"], fraction, f"{dataset}/split{split}")
    return parts.mask((parts == "train") & videos["group"].isin(held), "val")


def _official(
    videos: pd.DataFrame, dataset: str, split: int, parts: Mapping[str, str], otherwise: str
) -> "pd.Series[str]":
    """The part for each side of the lists; NaN for a side without one. `otherwise` needs none."""
    column = f"split{split}"
    if column not in videos:
        official = [name for name in videos.columns if name.startswith("split")]
        if not official:
            raise UserError(
                f"{dataset} has no sides (train, test), which the official protocol takes; "
                f"set protocol: {otherwise}, or give them in its folders or list"
            )
        raise UserError(f"{dataset} has no {column}; its official lists are {', '.join(official)}")
    return videos[column].map(parts)


def _table(videos: pd.DataFrame, dataset: str, parts: "pd.Series[str]") -> pd.DataFrame:
    table = videos.assign(dataset=dataset, part=parts)[parts.notna()][COLUMNS]
    return table.astype({"label": "int64"})
