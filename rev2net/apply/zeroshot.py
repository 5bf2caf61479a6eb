"""A network tested as it is on videos whose classes have other names than its own.

A class of the videos may be several of the network's (golf: golf driving, golf chipping): each of
them is a right answer, among all the classes that the network has.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rev2net.datasets.class_maps import Pairs, alike_classes, class_map, read_pairs, some_of
from rev2net.datasets.protocols import refuse_unknown_classes
from rev2net.errors import UserError
from rev2net.evaluation.statistics import bootstrap_interval

VIDEOS, NETWORK = "the videos", "the network"  # in messages

RightAnswers = Mapping[str, Collection[str]]  # class of the videos -> the network's that are right


class Answered(NamedTuple):
    """A video, and what the network says of it."""

    class_name: str
    group: str  # its source
    ranked: Sequence[str]  # all of the network's classes, best first


class Accuracy(NamedTuple):
    """Percent of videos, with its 95 % interval over source groups."""

    percent: float  # NaN without videos
    low: float  # NaN of fewer than two groups
    high: float


class Tally(NamedTuple):
    """How often the network is right of some videos."""

    videos: int
    groups: int
    top1: Accuracy
    top5: Accuracy
    taken_for: str  # the network's class for most of the wrong videos; empty where none is wrong


def right_answers(
    where: str | None, class_set: str | None, videos: Collection[str], network: Collection[str]
) -> RightAnswers:
    """The network's classes that are right of each class of the videos that has any.

    `where` is a class map, shipped or a CSV file, and `class_set` one of its sets (None: all its
    pairs); without a map, classes that both name alike. Which column is whose, the names in it
    tell. Raises UserError for a map without a class of the videos or of the network, and for a
    class in a map of one's own that the network lacks.
    """
    if where is None:
        labels = alike_classes({VIDEOS: videos, NETWORK: network}).labels
    else:
        pairs = read_pairs(where)
        of_network = _column(pairs, NETWORK, network)
        columns = {VIDEOS: _column(pairs, VIDEOS, videos, of_network), NETWORK: of_network}
        shared = class_map(where, class_set, columns)
        refuse_unknown_classes(where, shared, columns, {NETWORK: network})
        labels = shared.labels
    answers: dict[int, list[str]] = {}
    for name in sorted(labels[NETWORK].keys() & set(network)):
        answers.setdefault(labels[NETWORK][name], []).append(name)
    right = {
        name: answers[labels[VIDEOS][name]]
        for name in sorted(labels[VIDEOS].keys() & set(videos))
        if labels[VIDEOS][name] in answers
    }
    if not right:
        named = where if class_set is None else f"set {class_set!r} of {where}"
        raise UserError(f"{named}: pairs no class of {VIDEOS} ({some_of(videos)})")
    return right


def tally(answered: Sequence[Answered], right: RightAnswers) -> Tally:
    """Top-1 and top-5 of videos whose classes all have right answers."""
    ranks = [min(map(one.ranked.index, right[one.class_name])) for one in answered]
    groups = [one.group for one in answered]

    def accuracy(k: int) -> Accuracy:
        hits = 100.0 * (np.array(ranks, int) < k)
        percent = float(hits.mean()) if ranks else float("nan")
        return Accuracy(percent, *bootstrap_interval(hits, groups))

    wrong = Counter(one.ranked[0] for one, rank in zip(answered, ranks, strict=True) if rank > 0)
    taken_for = min(wrong, key=lambda name: (-wrong[name], name), default="")
    return Tally(len(answered), len(set(groups)), accuracy(1), accuracy(5), taken_for)


def _column(pairs: Pairs, whose: str, names: Collection[str], other: str | None = None) -> str:
    """The column of a map, beside another, that has most of some classes."""
    known = {
        column: len({row.names[column] for row in pairs.rows} & set(names))
        for column in pairs.columns
        if column != other
    }
    best = max(known, key=lambda column: known[column])
    if not known[best]:
        raise UserError(
            f"{pairs.where}: has no class of {whose} ({some_of(names)}); "
            f"looked for in {', '.join(known)}"
        )
    return best
