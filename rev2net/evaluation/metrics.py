"""Accuracies in percent from scores and labels: top-1, top-k, mean class.

Ties are broken as `argmax` does, in favour of the lower class index, so top-1 is the accuracy of
the arg-max. A video with a NaN among its scores counts as wrong, whatever its label. Without
videos every accuracy is NaN.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


def hits(scores: ArrayLike, label: ArrayLike, k: int = 1) -> NDArray[np.bool_]:
    """Whether each video's true class is among its k highest scores.

    `scores` (N, C) in any unit that grows with belief, `label` (N,) in 0..C-1; returns (N,) bool.
    Raises ValueError for other shapes, a label without a column, or k below 1.
    """
    scores_NC, label_N = np.asarray(scores), np.asarray(label)
    if scores_NC.ndim != 2 or label_N.shape != scores_NC.shape[:1]:
        raise ValueError(
            f"scores (N, C) and label (N,) expected, got {scores_NC.shape} and {label_N.shape}"
        )
    num_videos, num_classes = scores_NC.shape
    if num_videos and not 0 <= label_N.min() <= label_N.max() < num_classes:
        raise ValueError(f"labels from {label_N.min()} to {label_N.max()}, classes {num_classes}")
    if k < 1:
        raise ValueError(f"k is {k}, at least 1 expected")
    truth_N1 = scores_NC[np.arange(num_videos), label_N][:, None]
    ahead_NC = scores_NC > truth_N1
    ahead_NC |= (scores_NC == truth_N1) & (np.arange(num_classes) < label_N[:, None])
    result: NDArray[np.bool_] = (ahead_NC.sum(axis=1) < k) & ~np.isnan(scores_NC).any(axis=1)
    return result


def topk(scores: ArrayLike, label: ArrayLike, k: int) -> float:
    """Percent of videos whose true class is among the k highest scores (100 where k >= C)."""
    hits_N = hits(scores, label, k)
    return 100 * float(hits_N.mean()) if hits_N.size else float("nan")


def top1(scores: ArrayLike, label: ArrayLike) -> float:
    """Percent of videos whose highest score is the true class's."""
    return topk(scores, label, 1)


def mean_class(scores: ArrayLike, label: ArrayLike) -> float:
    """Percent right in each class, averaged over the classes that have videos (TSN's metric)."""
    hits_N = hits(scores, label)
    if not hits_N.size:
        return float("nan")
    label_N = np.asarray(label)
    videos_C = np.bincount(label_N)
    right_C = np.bincount(label_N, weights=hits_N)
    present_C = videos_C > 0
    return 100 * float((right_C[present_C] / videos_C[present_C]).mean())


class ClassResult(NamedTuple):
    """How one class fares."""

    videos: int
    accuracy: float  # percent of its videos; NaN where it has none
    confused_with: int | None  # the class that most of its wrong videos are taken for
    confusions: int  # how many of them


def per_class(scores: ArrayLike, label: ArrayLike) -> list[ClassResult]:
    """The results of every class, in their order; equal confusions name the first class."""
    hits_N, label_N = hits(scores, label), np.asarray(label)
    chosen_N = np.asarray(scores).argmax(axis=1)
    results = []
    for number in range(np.asarray(scores).shape[1]):
        mine = label_N == number
        wrong = np.bincount(chosen_N[mine & ~hits_N], minlength=1)
        worst = int(wrong.argmax())
        accuracy = 100 * float(hits_N[mine].mean()) if mine.any() else float("nan")
        confused = worst if wrong[worst] else None
        results.append(ClassResult(int(mine.sum()), accuracy, confused, int(wrong[worst])))
    return results
