"""How sure an accuracy or a difference is: seeds and source groups as drawn, Holm.

Clips cut from one source video are near-duplicates, so whole groups are drawn, never videos; and a
statement about a method is one about its trainings, so their seeds are drawn too. A value is a
number a video, for an accuracy 100 or 0: of each seed, or averaged over seeds.

A statistic here is the mean over splits of the mean over strata of the mean over a stratum's
videos. One split and stratum give top-1; several splits their mean, a group being drawn in all its
splits at once; strata = classes give the mean-class accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

CONFIDENCE = 0.95
DRAWS = 2000
POWER, POWER_DRAWS = 0.8, 20000
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


def bootstrap_interval(value: ArrayLike, group: Sequence[str], *, draws: int = DRAWS) -> Interval:
    """The percentile interval of the statistic over source groups; arguments as `bootstrap`."""
    return bootstrap_intervals(np.asarray(value)[None, None], group, draws=draws)[0]


def bootstrap_intervals(
    value_RSN: ArrayLike,
    group: Sequence[str],
    stratum: ArrayLike | None = None,
    *,
    split: ArrayLike | None = None,
    draws: int = DRAWS,
) -> list[Interval]:
    """The intervals of several systems (R, S, N) on the same videos, each trained with S seeds.

    Groups are resampled, the same for all systems, and in each resample the mean of the seeds is
    drawn too: from Student's distribution, with the spread over seeds that their luck on single
    groups does not explain. (To resample three seeds would give ten outcomes, too close together.)
    With one seed the interval is that of the trained networks.
    """
    value = np.asarray(value_RSN, np.float64)
    if len(set(group)) < 2:
        return [Interval(float("nan"), float("nan"))] * len(value)
    resampled_RD = bootstrap(value.mean(axis=1), group, stratum, split=split, draws=draws)
    seeds = value.shape[1]
    if seeds > 1:
        spread_R = _spread_of_seeds(value, group, stratum, split)
        student_D = np.random.default_rng((0, 1)).standard_t(seeds - 1, draws)
        resampled_RD = np.clip(resampled_RD + spread_R[:, None] * student_D, 0, 100)
    return [percentile_interval(draws_D) for draws_D in resampled_RD]


def _spread_of_seeds(
    value_RSN: NDArray[np.float64],
    group: Sequence[str],
    stratum: ArrayLike | None,
    split: ArrayLike | None,
) -> NDArray[np.float64]:
    """(R,) the standard error of a mean over seeds, beyond that of their luck on single groups."""
    _, group_N = np.unique(np.asarray(group, str), return_inverse=True)
    strata = np.zeros(value_RSN.shape[2]) if stratum is None else np.asarray(stratum)
    shares = _Shares(group_N, strata, split)
    variances = [shares.of_seeds(value_SN) for value_SN in value_RSN]
    return np.sqrt([max(0.0, whole - luck) for whole, luck in variances])


@dataclass(frozen=True)
class Difference:
    """A paired difference, first minus second, of methods: what another test set of such groups,
    and other seeds, would have given is part of its error.

    With one seed it is a difference of trained networks: the seeds' part is not known.
    """

    value: float
    error: float  # standard error
    freedom: float  # degrees of freedom that the error is known with
    flip_p_value: float  # two-sided, of no difference: by flipping the signs of whole groups

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Student's interval of the difference."""
        reach = self._quantile((1 + confidence) / 2) * self.error
        return Interval(self.value - reach, self.value + reach)

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference: the larger of Student's and that of flipping signs.

        Flipping the signs of groups holds for few of them, but takes the networks as they are;
        Student's counts the seeds. Signs of seeds cannot be flipped often enough: three pairs have
        eight flips, and p is never below 0.25.
        """
        return max(self.flip_p_value, 2 * self._beyond(abs(self.value)))

    def equivalence_p_value(self, tolerance: float) -> float:
        """Of a difference within +-tolerance: small where that is decided, either way.

        It inverts the interval: p below 1 - confidence is an interval that lies within the
        tolerance, or wholly outside it.
        """
        distance = abs(self.value)
        return 2 * self._beyond(abs(tolerance - distance))

    def detectable(self, confidence: float = CONFIDENCE) -> float:
        """The smallest true difference that intervals leave 0 out for, on its side, four times in
        five.
        """
        reach_D, luck_D = self._another(confidence)
        return float(np.quantile(reach_D - luck_D, POWER))

    def confirmable(self, confidence: float = CONFIDENCE) -> float:
        """The narrowest +-tolerance that intervals lie within, four times in five, where there is
        no difference.
        """
        reach_D, luck_D = self._another(confidence)
        return float(np.quantile(reach_D + np.abs(luck_D), POWER))

    def _another(self, confidence: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The reach of intervals of other data like these, and how far their differences are off.

        The error is only known with `freedom`, here as there.
        """
        random = np.random.default_rng(0)
        here_D, there_D = np.sqrt(random.chisquare(self.freedom, (2, POWER_DRAWS)) / self.freedom)
        true_D = self.error / here_D
        reach_D = self._quantile((1 + confidence) / 2) * true_D * there_D
        return reach_D, true_D * random.standard_normal(POWER_DRAWS)

    def _quantile(self, probability: float) -> float:
        return float(stdtrit(self.freedom, probability))

    def _beyond(self, distance: float) -> float:
        """The probability that Student's error exceeds a distance."""
        if self.error == 0:
            return 0.0 if distance > 0 else 0.5
        return float(stdtr(self.freedom, -distance / self.error))


def paired_differences(
    first_QSN: ArrayLike,
    second_QSN: ArrayLike,
    group: Sequence[str],
    stratum: ArrayLike | None = None,
    *,
    share_seeds: Sequence[bool] | None = None,
    draws: int = COMPARISON_DRAWS,
) -> list[Difference]:
    """Compare Q pairs of systems on the same videos, each trained with S seeds.

    Values (Q, S, N) as in `bootstrap`, `group` and `stratum` too. The error has two levels, seeds
    and groups, which cross: its square is the variance over groups of the seeds' mean, plus the
    variance over seeds of the whole, less what both contain (the luck of a seed on a single group);
    never below the larger of the two. Freedom is Satterthwaite's. Seeds of the two systems are
    independent draws, unless `share_seeds` says of a pair that the systems have trained networks in
    common: then seed by seed the difference is what varies.

    Raises ValueError with fewer than two groups.
    """
    first, second = np.asarray(first_QSN, np.float64), np.asarray(second_QSN, np.float64)
    names, group_N = np.unique(np.asarray(group, str), return_inverse=True)
    if len(names) < 2:
        raise ValueError("a comparison takes at least two source groups")
    strata = np.zeros(first.shape[2]) if stratum is None else np.asarray(stratum)
    shares = _Shares(group_N, strata)
    found, flips = [], []
    for row, (first_SN, second_SN) in enumerate(zip(first, second, strict=True)):
        value = float((first_SN - second_SN).mean(axis=0) @ shares.weight_N)
        paired = share_seeds is not None and share_seeds[row]
        systems = [first_SN - second_SN] if paired else [first_SN, -second_SN]
        error, freedom = shares.error(systems)
        found.append((value, error, freedom))
        flips.append(shares.of_groups((first_SN - second_SN).mean(axis=0)))
    p_values = _sign_flip_p_values(np.stack(flips), draws)
    return [Difference(*one, p_value) for one, p_value in zip(found, p_values, strict=True)]


class _Shares:
    """What groups and seeds add to a statistic, and with which error it is known."""

    def __init__(
        self, group_N: NDArray[Any], strata: NDArray[Any], split: ArrayLike | None = None
    ) -> None:
        _, first_K, self.stratum_N, self.size_K = np.unique(
            strata, return_index=True, return_inverse=True, return_counts=True
        )
        self.group_N, self.num_groups = group_N, int(group_N.max()) + 1
        split_K = np.zeros(len(first_K)) if split is None else np.asarray(split)[first_K]
        _, split_K, strata_O = np.unique(split_K, return_inverse=True, return_counts=True)
        weight_K = 1 / (len(strata_O) * strata_O[split_K] * self.size_K)
        self.weight_N = weight_K[self.stratum_N]  # of a video in the statistic
        self.scale = self.num_groups / (self.num_groups - 1)

    def of_groups(self, value_N: NDArray[np.float64]) -> NDArray[np.float64]:
        """(G,) sums to the statistic."""
        weights = value_N * self.weight_N
        return np.asarray(np.bincount(self.group_N, weights, self.num_groups), np.float64)

    def deviations(self, value_SN: NDArray[np.float64]) -> NDArray[np.float64]:
        """(S, G): each group's part of how far the statistic lies from that of other groups.

        Linear in the groups: their numbers of videos in a stratum differ, so a value counts as far
        as it differs from its stratum's mean.
        """
        rows = []
        for value_N in value_SN:
            mean_K = np.bincount(self.stratum_N, weights=value_N) / self.size_K
            rows.append(self.of_groups(value_N - mean_K[self.stratum_N]))
        return np.stack(rows)

    def of_seeds(
        self, value_SN: NDArray[np.float64], deviation_SG: NDArray[np.float64] | None = None
    ) -> tuple[float, float]:
        """The variance of a mean over seeds, and how much of it is their luck on single groups."""
        if deviation_SG is None:
            deviation_SG = self.deviations(value_SN)
        seeds = len(value_SN)
        rest = deviation_SG - deviation_SG.mean(axis=0)
        luck = self.scale * float((rest**2).sum()) / (seeds * (seeds - 1))
        return float((value_SN @ self.weight_N).var(ddof=1)) / seeds, luck

    def error(self, systems: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
        """Standard error and degrees of freedom of a sum of systems (S, N) over their seeds."""
        deviation_SG = [self.deviations(value_SN) for value_SN in systems]
        mean_G = sum((one.mean(axis=0) for one in deviation_SG), np.zeros(self.num_groups))
        of_groups = self.scale * float(mean_G @ mean_G)
        of_seeds, of_both, by_freedom = 0.0, 0.0, of_groups**2 / (self.num_groups - 1)
        for value_SN, one_SG in zip(systems, deviation_SG, strict=True):
            if len(value_SN) > 1:
                whole, luck = self.of_seeds(value_SN, one_SG)
                of_seeds, of_both = of_seeds + whole, of_both + luck
                by_freedom += whole**2 / (len(value_SN) - 1)
        variance = max(of_groups, of_seeds, of_groups + of_seeds - of_both)
        if variance == 0:
            return 0.0, float(self.num_groups - 1)
        return float(np.sqrt(variance)), variance**2 / by_freedom


def _sign_flip_p_values(share_SG: NDArray[Any], draws: int) -> list[float]:
    """Two-sided p-values of sums over groups under random signs, never exactly 0.

    With no difference between two systems a group's is as likely the one way as the other. It
    holds for any number of groups, few ones included, where a bootstrap is too sure.
    """
    observed_S = np.abs(share_SG.sum(axis=1))
    random = np.random.default_rng(0)
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


def holm_confidence(p_values: Sequence[float]) -> list[float]:
    """The confidence at which to draw each comparison's interval so that it agrees with Holm.

    A rejected hypothesis of rank r (from 0) of m was tested at alpha / (m - r); all that are not
    rejected take the level at which the procedure stopped. An interval then leaves out 0 where
    the adjusted p-value is below alpha (to within one bootstrap draw).
    """
    alpha, num = 1 - CONFIDENCE, len(p_values)
    rejected = sum(p < alpha for p in holm(p_values))
    levels = [0.0] * num
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        levels[index] = 1 - alpha / (num - min(rank, rejected))
    return levels
