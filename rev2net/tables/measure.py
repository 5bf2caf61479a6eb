"""Accuracies of stored scores: which there are, their mean and spread, and their intervals.

Shapes: S seeds, N videos, C classes, K splits.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rev2net.evaluation import metrics
from rev2net.evaluation.statistics import Interval, bootstrap_intervals
from rev2net.tables.stored import SplitScores


class Metric(NamedTuple):
    """An accuracy of the CSV's `metric` column."""

    name: str
    k: int = 1  # right is a true class among the k best
    by_class: bool = False  # classes weigh alike, not videos
    of_expected: bool = False  # expected videos without scores count as wrong


TOP1 = Metric("top1")  # the paper's accuracy
TEST_METRICS = (
    TOP1,
    Metric("mean_class", by_class=True),
    Metric("top5", k=5),  # left out where it cannot be wrong: up to 5 classes
    Metric("top1_of_expected", of_expected=True),
)
IN_DOMAIN = Metric("top1_in_domain")  # on the part `val`


class PerVideo(NamedTuple):
    """What a resampling takes, split after split, in each the videos in the order of their names.

    `value_SN` in percent, of each seed.
    """

    value_SN: NDArray[np.float64]
    group_N: list[str]
    stratum_N: NDArray[np.int64]  # split, or class in a split
    split_N: NDArray[np.int64]


def accuracy(metric: Metric, splits: list[SplitScores]) -> tuple[float, float]:
    """Mean over splits and seeds, and standard deviation over seeds (NaN for one); percent."""
    accuracy_KS = np.empty((len(splits), len(splits[0].scores_SNC)))
    for row, split in enumerate(splits):
        scale = split.coverage if metric.of_expected else 1.0
        for seed, scores_NC in enumerate(split.scores_SNC):
            accuracy_KS[row, seed] = scale * (
                metrics.mean_class(scores_NC, split.label_N)
                if metric.by_class
                else metrics.topk(scores_NC, split.label_N, metric.k)
            )
    of_seed = accuracy_KS.mean(axis=0)
    std = of_seed.std(ddof=1) if len(of_seed) > 1 else np.nan
    return float(of_seed.mean()), float(std)


def per_video(metric: Metric, splits: list[SplitScores]) -> PerVideo:
    """The values whose mean is the accuracy, with their source groups and strata."""
    value, group, stratum, of_split = [], [], [], []
    for row, split in enumerate(splits):
        scale = split.coverage if metric.of_expected else 1.0
        hits_SN = [metrics.hits(scores, split.label_N, metric.k) for scores in split.scores_SNC]
        value.append(100 * scale * np.stack(hits_SN))
        group += split.group_N
        num_classes = split.scores_SNC.shape[2]
        stratum.append(row * num_classes + split.label_N * metric.by_class)
        of_split.append(np.full(len(split.label_N), row))
    return PerVideo(
        np.concatenate(value, axis=1), group, np.concatenate(stratum), np.concatenate(of_split)
    )


def intervals(samples: Sequence[PerVideo]) -> list[Interval]:
    """The 95 % intervals over seeds and source groups of several accuracies, in all splits at once.

    The samples share videos and strata: they are resampled together, which is quicker and gives
    each what it gets alone.
    """
    value_RSN = np.stack([sample.value_SN for sample in samples])
    _, group_N, stratum_N, split_N = samples[0]
    return bootstrap_intervals(value_RSN, group_N, stratum_N, split=split_N)
