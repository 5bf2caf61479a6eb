"""How sure an accuracy or a difference is: bootstrap over source groups, paired comparison, Holm.

Clips cut from one source video are near-duplicates, so whole groups are drawn, never videos.
A value is a number a video: for an accuracy 100 or 0, averaged over seeds beforehand.

A statistic here is the mean over strata of the mean over a stratum's videos. One stratum gives
top-1; strata = splits gives the mean over splits, a group being drawn in all its splits at once;
strata = split and class give the mean-class accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
DRAWS = 2000
COMPARISON_DRAWS = 20000  # Holm looks far into the tails: 0.05 / 20 claims / 2 sides = 25 draws
_CHUNK = 100_000  # numbers held at once: they stay in the cache


class Interval(NamedTuple):
    """The ends of a confidence interval; NaN where there are fewer than two groups."""

    low: float
    high: float


def bootstrap(
    value: ArrayLike,
    group: Sequence[str],
    stratum: ArrayLike | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> NDArray[np.float64]:
    """The statistic on `draws` resamples, each of as many groups as there are, with replacement.

    `value` (N,), `group` (N,) names, `stratum` (N,) integers (None: a single one); returns
    (draws,). A stratum of which a resample holds nothing is left out of that resample's mean.
    The order of the videos plays no part. Raises ValueError without videos.
    """
    value_N = np.asarray(value, np.float64)
    if not value_N.size:
        raise ValueError("no videos to resample")
    names, group_N = np.unique(np.asarray(group, str), return_inverse=True)
    num_groups = len(names)
    stratum_N = np.zeros(len(value_N), np.int64) if stratum is None else np.asarray(stratum)
    _, stratum_N = np.unique(stratum_N, return_inverse=True)

    # A cell is what one group has in one stratum; cells are sorted by stratum, so that a
    # stratum's sum is that of a run of columns.
    cell, cell_N = np.unique(stratum_N * num_groups + group_N, return_inverse=True)
    sum_P = np.bincount(cell_N, weights=value_N)
    count_P = np.bincount(cell_N)
    stratum_P, group_P = np.divmod(cell, num_groups)
    start_K = np.flatnonzero(np.diff(stratum_P, prepend=-1))

    random = np.random.default_rng(seed)
    statistic = []
    step = max(1, _CHUNK // (num_groups + len(cell)))
    for first in range(0, draws, step):
        rows = min(step, draws - first)
        drawn_BG = random.integers(num_groups, size=(rows, num_groups))
        drawn_BG += num_groups * np.arange(rows)[:, None]
        times_BG = np.bincount(drawn_BG.ravel(), minlength=rows * num_groups)
        times_BP = times_BG.reshape(rows, num_groups)[:, group_P]
        sum_BK = np.add.reduceat(times_BP * sum_P, start_K, axis=1)
        count_BK = np.add.reduceat(times_BP * count_P, start_K, axis=1)
        present_BK = count_BK > 0
        mean_BK = np.divide(sum_BK, count_BK, out=np.zeros_like(sum_BK), where=present_BK)
        statistic.append(mean_BK.sum(axis=1) / present_BK.sum(axis=1))
    return np.concatenate(statistic)


def percentile_interval(draws: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval:
    """The central part of the draws that holds `confidence` of them."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def bootstrap_interval(
    value: ArrayLike,
    group: Sequence[str],
    stratum: ArrayLike | None = None,
    *,
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The percentile interval of the statistic over source groups; arguments as `bootstrap`."""
    if len(set(group)) < 2:
        return Interval(float("nan"), float("nan"))
    resampled = bootstrap(value, group, stratum, draws=draws, seed=seed)
    return percentile_interval(resampled, confidence)


@dataclass(frozen=True)
class Difference:
    """A paired difference, first minus second, with its bootstrap draws."""

    value: float
    draws: NDArray[np.float64]

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """The percentile interval of the difference."""
        return percentile_interval(self.draws, confidence)

    @property
    def p_value(self) -> float:
        """Two-sided: twice the share of draws on the rarer side of 0, never exactly 0.

        It inverts the percentile interval: p below 1 - confidence is an interval without 0.
        """
        rarer = min((self.draws <= 0).sum(), (self.draws >= 0).sum())
        return min(1.0, 2 * (int(rarer) + 1) / (len(self.draws) + 1))


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    group: Sequence[str],
    stratum: ArrayLike | None = None,
    *,
    draws: int = COMPARISON_DRAWS,
    seed: int = 0,
) -> Difference:
    """Compare two systems on the same videos, resampling the groups of their differences.

    `first` and `second` (N,) are values of the same videos in the same order; `group` and
    `stratum` as in `bootstrap`. Raises ValueError with fewer than two groups.
    """
    if len(set(group)) < 2:
        raise ValueError("a comparison takes at least two source groups")
    value_N = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    strata = np.zeros(len(value_N)) if stratum is None else np.asarray(stratum)
    means = [value_N[strata == one].mean() for one in np.unique(strata)]
    resampled = bootstrap(value_N, group, strata, draws=draws, seed=seed)
    return Difference(float(np.mean(means)), resampled)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: reject where one is below alpha.

    The smallest of m is multiplied by m, the next by m - 1 and so on, none falling below its
    predecessor (Holm 1979).
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def holm_confidence(p_values: Sequence[float], confidence: float = CONFIDENCE) -> list[float]:
    """The confidence at which to draw each comparison's interval so that it agrees with Holm.

    A rejected hypothesis of rank r (from 0) of m was tested at alpha / (m - r); all that are not
    rejected take the level at which the procedure stopped. An interval then leaves out 0 where
    the adjusted p-value is below alpha (to within one bootstrap draw).
    """
    alpha, num = 1 - confidence, len(p_values)
    rejected = sum(p < alpha for p in holm(p_values))
    levels = [0.0] * num
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        levels[index] = 1 - alpha / (num - min(rank, rejected))
    return levels
