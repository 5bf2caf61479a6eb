"""Scores files: one part of one split scored by one run (or by several, fused), with its identity.

The file is the border between networks and numbers: whatever comes after it (fusion, metrics,
statistics, tables) needs neither GPU nor torch. docs/formats.md shows its content.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rev2net import digests
from rev2net.errors import UserError

SPACES = ("logit", "probability")
_DATASETS = ("scores", "video_id", "label", "group")  # all other fields are attributes


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The content of a scores file; row n of every array is video n."""

    scores: NDArray[np.float32]  # (N, C), averaged over clips and crops
    video_id: list[str]
    label: NDArray[np.int64]  # (N,), the true class, an index into class_names
    group: list[str]  # the source video: clips of one group are near-duplicates
    class_names: list[str]
    benchmark: str
    split: int
    part: str  # test or val
    method: str
    input: str  # rgb, flow, rgbdiff; fused: rgb+flow
    init: str
    adapt: str
    seed: int
    configuration: str
    protocol: str  # for people: "official-split1; 1 clip x 1 crop"
    space: str  # what was averaged over clips and crops: logit or probability
    videos_expected: int  # of the official list, usable here or not
    checkpoint: str  # sha256 of the weights; fused: of each stream, comma-separated
    split_digest: str
    class_map: str  # "ucf101_hmdb51 small 0123456789ab": map, set and version; "" inside a dataset
    settings: str  # digest of what training and evaluation depend on; fused: 1*…,1.5*…
    commit: str  # of the training and of the evaluation, comma-separated where they differ
    notes: str = ""  # what a reader of the numbers should know of the split's videos

    def __len__(self) -> int:
        return len(self.video_id)


def write_scores(path: str | Path, scores: Scores) -> None:
    """Write a scores file beside its final name and rename it when whole.

    Raises UserError for content that `read_scores` would refuse, NaN scores above all.
    """
    path = Path(path)
    _check(path, scores)
    with digests.write_hdf5(path) as file:
        file["scores"] = np.asarray(scores.scores, np.float32)
        file["label"] = np.asarray(scores.label, np.int64)
        for name in ("video_id", "group"):
            file.create_dataset(name, data=getattr(scores, name), dtype=h5py.string_dtype())
        for name in _attributes():
            value = getattr(scores, name)
            file.attrs[name] = json.dumps(value) if name == "class_names" else value


def read_scores(path: str | Path) -> Scores:
    """Read a scores file whole and check it.

    Raises UserError, naming the file, where it is absent, not a scores file, or where it holds
    NaN, a video twice, a label outside its classes, or more videos than were expected.
    """
    path = Path(path)
    with digests.read_hdf5(path, "a scores file") as file:
        content: dict[str, Any] = {
            "scores": file["scores"][()].astype(np.float32, copy=False),
            "label": file["label"][()].astype(np.int64, copy=False),
            "video_id": file["video_id"].asstr()[()].tolist(),
            "group": file["group"].asstr()[()].tolist(),
        }
        for name in _attributes():
            if name not in file.attrs:
                raise KeyError(f"no attribute {name!r}")
            value = file.attrs[name]
            if name == "class_names":
                value = json.loads(value)
            content[name] = int(value) if isinstance(value, np.integer) else value
    scores = Scores(**content)
    _check(path, scores)
    return scores


def read_checkpoint(path: Path) -> str:
    """The `checkpoint` of a scores file, without reading the scores."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            return str(file.attrs["checkpoint"])
    except (OSError, KeyError) as error:
        raise digests.damaged(path, f"not a scores file ({error})") from None


def disagreement(first: Scores, second: Scores, names: Iterable[str]) -> str | None:
    """What keeps two files from being taken together, in words; None where nothing does.

    Compared are the attributes `names`, the class names with their order, and the videos with
    their labels and groups, in any order.
    """
    for name in names:
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            return f"{name} is {one!r} in the first and {other!r} in the second"
    if first.class_names != second.class_names:
        return _class_difference(first.class_names, second.class_names)
    return _video_difference(first, second)


def _class_difference(first: list[str], second: list[str]) -> str:
    if len(first) != len(second):
        return f"{len(first)} classes in the first and {len(second)} in the second"
    index = next(i for i, pair in enumerate(zip(first, second, strict=True)) if len(set(pair)) > 1)
    return f"class {index} is {first[index]!r} in the first and {second[index]!r} in the second"


def _video_difference(first: Scores, second: Scores) -> str | None:
    truths = [
        dict(zip(s.video_id, zip(s.label.tolist(), s.group, strict=True), strict=True))
        for s in (first, second)
    ]
    only = [sorted(truths[i].keys() - truths[1 - i].keys()) for i in (0, 1)]
    if only[0] or only[1]:
        counts = [
            f"{len(videos)} videos only in the {which}" + (f" ({videos[0]})" if videos else "")
            for which, videos in zip(("first", "second"), only, strict=True)
        ]
        return ", ".join(counts)
    for video, (label, group) in truths[0].items():
        other_label, other_group = truths[1][video]
        if label != other_label:
            return f"label of {video} is {label} in the first and {other_label} in the second"
        if group != other_group:
            return f"group of {video} is {group!r} in the first and {other_group!r} in the second"
    return None


def _attributes() -> list[str]:
    return [field.name for field in fields(Scores) if field.name not in _DATASETS]


def _check(path: Path, scores: Scores) -> None:
    """Raise UserError naming the file and the first thing wrong with the content."""
    array, label = np.asarray(scores.scores), np.asarray(scores.label)
    num_videos, num_classes = len(scores), len(scores.class_names)
    if array.shape != (num_videos, num_classes):
        raise UserError(
            f"{path}: scores have shape {array.shape}, "
            f"({num_videos}, {num_classes}) expected from its videos and class names"
        )
    if label.shape != (num_videos,) or len(scores.group) != num_videos:
        raise UserError(
            f"{path}: {num_videos} videos, but {label.size} labels and {len(scores.group)} groups"
        )
    if len(set(scores.class_names)) != num_classes:
        raise UserError(f"{path}: class names repeat; each class is allowed once")
    if scores.space not in SPACES:
        raise UserError(f"{path}: space is {scores.space!r}, allowed: {', '.join(SPACES)}")
    twice = [video for video, count in Counter(scores.video_id).items() if count > 1]
    if twice:
        raise UserError(
            f"{path}: {len(twice)} videos stand there more than once (first: {twice[0]})"
        )
    not_finite = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if not_finite.size:
        raise UserError(
            f"{path}: {not_finite.size} of {num_videos} videos have NaN or infinite scores "
            f"(first: {scores.video_id[not_finite[0]]}); did the training diverge?"
        )
    outside = np.flatnonzero((label < 0) | (label >= num_classes))
    if outside.size:
        raise UserError(
            f"{path}: label of {scores.video_id[outside[0]]} is {label[outside[0]]}, "
            f"allowed: 0 to {num_classes - 1}"
        )
    if num_videos > scores.videos_expected:
        raise UserError(
            f"{path}: {num_videos} videos, but videos_expected is {scores.videos_expected}"
        )
