"""How sure an accuracy or a difference is: bootstrap over source groups, paired comparison, Holm.

Clips cut from one source video are near-duplicates, so whole groups are drawn, never videos.
A value is a number a video: for an accuracy 100 or 0, averaged over seeds beforehand.

A statistic here is the mean over splits of the mean over strata of the mean over a stratum's
videos. One split and stratum give top-1; several splits their mean, a group being drawn in all its
splits at once; strata = classes give the mean-class accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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
    split: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> NDArray[np.float64]:
    """The statistic on `draws` resamples, each of as many groups as there are, with replacement.

    `value` (N,), `group` (N,) names, `stratum` (N,) integers (None: one of them); returns
    (draws,). A stratum of which a resample holds nothing is left out of that resample's mean.
    `split` (N,) integers says to which split a stratum belongs (None: all to one): splits weigh
    alike, however many strata each has.
    The order of the videos plays no part. `value` may also be (S, N), S systems measured on the
    same videos: then (S, draws), every system on the same resamples. Raises ValueError without
    videos.
    """
    value_SN = np.atleast_2d(np.asarray(value, np.float64))
    if not value_SN.size:
        raise ValueError("no videos to resample")
    names, group_N = np.unique(np.asarray(group, str), return_inverse=True)
    num_groups = len(names)
    num_videos = value_SN.shape[1]
    stratum_N = np.zeros(num_videos, np.int64) if stratum is None else np.asarray(stratum)
    _, stratum_N = np.unique(stratum_N, return_inverse=True)

    # A cell is what one group has in one stratum; cells are sorted by stratum, so that a
    # stratum's sum is that of a run of columns.
    cell, cell_N = np.unique(stratum_N * num_groups + group_N, return_inverse=True)
    sum_SP = np.stack([np.bincount(cell_N, weights=value_N) for value_N in value_SN])
    count_P = np.bincount(cell_N)
    stratum_P, group_P = np.divmod(cell, num_groups)
    start_K = np.flatnonzero(np.diff(stratum_P, prepend=-1))
    weight_K = np.ones(len(start_K))
    if split is not None:
        _, first_K = np.unique(stratum_N, return_index=True)
        _, split_K, strata_O = np.unique(
            np.asarray(split)[first_K], return_inverse=True, return_counts=True
        )
        weight_K = 1 / strata_O[split_K]

    random = np.random.default_rng(seed)
    statistic = []
    step = max(1, _CHUNK // (num_groups + len(cell)))
    for first in range(0, draws, step):
        rows = min(step, draws - first)
        drawn_BG = random.integers(num_groups, size=(rows, num_groups), dtype=np.uint32)
        times_BG = np.stack([np.bincount(drawn_G, minlength=num_groups) for drawn_G in drawn_BG])
        times_BP = times_BG if len(start_K) == 1 else times_BG[:, group_P]
        count_BK = np.add.reduceat(times_BP * count_P, start_K, axis=1)
        present_BK = count_BK > 0
        sum_SBK = _stratum_sums(times_BP, sum_SP, start_K)
        mean_SBK = np.divide(sum_SBK, count_BK, out=np.zeros_like(sum_SBK), where=present_BK)
        statistic.append(mean_SBK @ weight_K / (present_BK @ weight_K))
    statistic_SD = np.concatenate(statistic, axis=1)
    return statistic_SD if np.ndim(value) == 2 else statistic_SD[0]


def _stratum_sums(
    times_BP: NDArray[Any], sum_SP: NDArray[Any], start_K: NDArray[Any]
) -> NDArray[np.float64]:
    """Sums (systems, draws, strata) of cells drawn so many times; strata are runs of cells."""
    if len(sum_SP) <= len(start_K):
        return np.stack([np.add.reduceat(times_BP * sum_P, start_K, axis=1) for sum_P in sum_SP])
    # Many systems and few strata: a product of matrices a stratum.
    of_stratum = zip(
        np.split(times_BP.astype(np.float64), start_K[1:], axis=1),
        np.split(sum_SP, start_K[1:], axis=1),
        strict=True,
    )
    return np.stack([(times_BC @ sum_SC.T).T for times_BC, sum_SC in of_stratum], axis=2)


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
    value_1N = np.asarray(value)[None]
    return bootstrap_intervals(
        value_1N, group, stratum, confidence=confidence, draws=draws, seed=seed
    )[0]


def bootstrap_intervals(
    value_SN: ArrayLike,
    group: Sequence[str],
    stratum: ArrayLike | None = None,
    *,
    split: ArrayLike | None = None,
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Interval]:
    """The intervals of several systems (S, N) on the same videos, in one resampling."""
    if len(set(group)) < 2:
        return [Interval(float("nan"), float("nan"))] * len(np.asarray(value_SN))
    resampled_SD = bootstrap(value_SN, group, stratum, split=split, draws=draws, seed=seed)
    return [percentile_interval(draws_D, confidence) for draws_D in resampled_SD]


@dataclass(frozen=True)
class Difference:
    """A paired difference, first minus second, with its bootstrap draws."""

    value: float
    draws: NDArray[np.float64]
    p_value: float  # two-sided, of no difference: by flipping the signs of whole groups

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """The percentile interval of the difference."""
        return percentile_interval(self.draws, confidence)

    def equivalence_p_value(self, tolerance: float) -> float:
        """Of a difference within +-tolerance: small where that is decided, either way.

        It inverts the percentile interval: p below 1 - confidence is an interval that lies within
        the tolerance, or wholly outside it.
        """
        draws = self.draws
        below, above = (draws <= -tolerance).sum(), (draws >= tolerance).sum()
        outside = min((draws <= tolerance).sum(), (draws >= -tolerance).sum())
        rarer = int(min(max(below, above), outside))
        return min(1.0, 2 * (rarer + 1) / (len(draws) + 1))


def paired_differences(
    difference_SN: ArrayLike,
    group: Sequence[str],
    stratum: ArrayLike | None = None,
    *,
    draws: int = COMPARISON_DRAWS,
    seed: int = 0,
) -> list[Difference]:
    """Compare S pairs of systems on the same videos, from their differences (S, N) in value.

    `group` and `stratum` as in `bootstrap`. Raises ValueError with fewer than two groups.
    """
    if len(set(group)) < 2:
        raise ValueError("a comparison takes at least two source groups")
    value_SN = np.asarray(difference_SN, np.float64)
    strata = np.zeros(value_SN.shape[1]) if stratum is None else np.asarray(stratum)
    resampled_SD = bootstrap(value_SN, group, strata, draws=draws, seed=seed)
    # What each group adds to the statistic, the mean over strata of their means.
    _, stratum_N, size_K = np.unique(strata, return_inverse=True, return_counts=True)
    weight_N = 1 / (len(size_K) * size_K[stratum_N])
    _, group_N = np.unique(np.asarray(group, str), return_inverse=True)
    share_SG = np.stack([np.bincount(group_N, weights=value_N * weight_N) for value_N in value_SN])
    p_values = _sign_flip_p_values(share_SG, draws, seed)
    return [
        Difference(float(share_G.sum()), draws_D, p_value)
        for share_G, draws_D, p_value in zip(share_SG, resampled_SD, p_values, strict=True)
    ]


def _sign_flip_p_values(share_SG: NDArray[Any], draws: int, seed: int) -> list[float]:
    """Two-sided p-values of sums over groups under random signs, never exactly 0.

    With no difference between two systems a group's is as likely the one way as the other. It
    holds for any number of groups, few ones included, where a bootstrap is too sure.
    """
    observed_S = np.abs(share_SG.sum(axis=1))
    random = np.random.default_rng(seed)
    as_far_S = np.zeros(len(share_SG), np.int64)
    num_groups = share_SG.shape[1]
    step = max(1, 10 * _CHUNK // num_groups)
    for first in range(0, draws, step):
        rows = min(step, draws - first)
        sign_BG = 2.0 * random.integers(2, size=(rows, num_groups), dtype=np.int8) - 1.0
        flipped_BS = np.abs(sign_BG @ share_SG.T)
        as_far_S += (flipped_BS >= observed_S - 1e-9).sum(axis=0)  # ties, whatever the rounding
    return [float(p_value) for p_value in (as_far_S + 1) / (draws + 1)]


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
