"""Intervals cover the truth as often as they say; comparisons err as rarely as they say."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from rev2net.evaluation.statistics import (
    Difference,
    bootstrap,
    bootstrap_interval,
    bootstrap_intervals,
    holm,
    holm_confidence,
    paired_differences,
    percentile_interval,
)


def compare(
    first: ArrayLike, second: ArrayLike, group: list[str], draws: int = 20000
) -> Difference:
    """The comparison of two systems."""
    first_11N, second_11N = (np.asarray(one, float)[None, None] for one in (first, second))
    return paired_differences(first_11N, second_11N, group, draws=draws)[0]


def of_one_seed(value_QN: NDArray[np.float64], group: list[str], draws: int) -> list[Difference]:
    """Many comparisons with 0."""
    value_Q1N = value_QN[:, None]
    return paired_differences(value_Q1N, np.zeros_like(value_Q1N), group, draws=draws)


P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def clustered(
    random: np.random.Generator, groups: int, clips: int
) -> tuple[NDArray[np.float64], list[str]]:
    """Hits (100 or 0) of near-duplicate clips: a group's clips share a chance; 60 on average."""
    chance = random.beta(1.2, 0.8, size=groups)
    hits = np.where(random.random((groups, clips)) < chance[:, None], 100.0, 0.0)
    return hits.reshape(-1), [f"g{index // clips}" for index in range(groups * clips)]


def test_two_groups_span_the_interval_from_one_to_the_other() -> None:
    # A quarter of the resamples holds the first group twice, a quarter the second.
    assert bootstrap_interval([100, 100, 50, 0], ["a", "a", "b", "b"]) == (25, 100)


def test_resamples_follow_the_exact_distribution() -> None:
    # Three groups over two strata, enumerated: 27 resamples, a stratum left out where absent.
    content = {"a": [(90.0, 0)], "b": [(30.0, 0), (60.0, 1)], "c": [(0.0, 1), (20.0, 1)]}
    exact: Counter[float] = Counter()
    for drawn in itertools.product(content, repeat=3):
        strata: dict[int, list[float]] = {}
        for value, stratum in itertools.chain.from_iterable(content[name] for name in drawn):
            strata.setdefault(stratum, []).append(value)
        exact[round(float(np.mean([np.mean(held) for held in strata.values()])), 6)] += 1
    rows = [(number, name, stratum) for name in content for number, stratum in content[name]]
    values, groups, all_strata = zip(*rows, strict=True)
    draws = bootstrap(values, groups, all_strata, draws=27_000)
    found = Counter(np.round(draws, 6).tolist())
    assert found.keys() == exact.keys()
    for outcome, count in exact.items():
        assert found[outcome] == pytest.approx(1000 * count, abs=5 * math.sqrt(1000 * count))


def test_interval_covers_the_truth_at_its_nominal_rate() -> None:
    random = np.random.default_rng(1)
    covered = {"groups": 0, "videos": 0}
    trials = 400
    for _ in range(trials):
        value, group = clustered(random, groups=50, clips=6)
        each_alone = [str(index) for index in range(len(value))]
        for kind, names in (("groups", group), ("videos", each_alone)):
            low, high = bootstrap_interval(value, names, draws=300)
            covered[kind] += low <= 60 <= high
    assert 0.91 <= covered["groups"] / trials <= 0.98
    assert covered["videos"] / trials < 0.85  # why groups are resampled, not videos


def test_repeating_every_clip_adds_no_confidence() -> None:
    value, group = clustered(np.random.default_rng(2), groups=20, clips=3)
    once = bootstrap_interval(value, group)
    assert bootstrap_interval(np.tile(value, 5), group * 5) == pytest.approx(once)


def test_order_of_videos_plays_no_part() -> None:
    random = np.random.default_rng(3)
    value, group = clustered(random, groups=20, clips=3)
    stratum = random.integers(0, 4, len(value))
    order = random.permutation(len(value))
    np.testing.assert_allclose(
        bootstrap(value[order], [group[row] for row in order], stratum[order], draws=50),
        bootstrap(value, group, stratum, draws=50),
    )


def test_draws_do_not_depend_on_how_many_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value, group = clustered(np.random.default_rng(4), groups=20, clips=3)
    whole = bootstrap(value, group, draws=101)
    monkeypatch.setattr("rev2net.evaluation.statistics._CHUNK", 130)  # three resamples
    np.testing.assert_array_equal(bootstrap(value, group, draws=101), whole)


def test_strata_weigh_alike_whatever_their_size() -> None:
    # Every group holds the same, so every resample is the statistic itself.
    value = [100, 0, 0, 0] * 3
    group = [name for name in "abc" for _ in range(4)]
    stratum = [0, 1, 1, 1] * 3
    assert set(bootstrap(value, group, stratum, draws=20)) == {50}
    assert set(bootstrap(value, group, draws=20)) == {25}


def test_one_group_has_no_interval() -> None:
    assert all(map(math.isnan, bootstrap_interval([100, 0], ["a", "a"])))
    with pytest.raises(ValueError, match="two source groups"):
        compare([100, 0], [0, 0], ["a", "a"])
    with pytest.raises(ValueError, match="no videos"):
        bootstrap([], [])


def test_paired_difference_by_hand() -> None:
    first, second = [100, 100, 50, 0], [0, 100, 50, 50]
    found = compare(first, second, ["a", "a", "b", "b"])
    assert found.value == pytest.approx(12.5)
    # Group a adds 25, group b takes 12.5, each lies 18.75 from its half of the whole. The variance
    # is 2 / 1 * 2 * 18.75**2, known with one degree of freedom.
    assert (found.error, found.freedom) == pytest.approx((37.5, 1))
    assert found.interval() == pytest.approx(
        (12.5 - 12.7062 * 37.5, 12.5 + 12.7062 * 37.5), rel=1e-5
    )
    # Under random signs the sum is 12.5 or 37.5 from 0.
    assert found.flip_p_value == found.p_value == 1.0


def test_seeds_and_groups_both_add_to_the_error_by_hand() -> None:
    """Three groups of one video, two seeds a system; all values in points of a video."""
    first = np.array([[[90.0, 60, 30], [90, 60, 60]]])
    second = np.array([[[30.0, 30, 30], [0, 0, 30]]])
    (found,) = paired_differences(first, second, ["a", "b", "c"])
    # Means over groups: 60 and 70, 30 and 10. Over seeds: 90, 60, 45 and 15, 15, 30.
    assert found.value == pytest.approx(65 - 20)
    of_seeds = [(5**2 + 5**2) / 2, (10**2 + 10**2) / 2]
    shares = np.array([75.0, 45, 15]) / 3  # of the groups, on average 15
    of_groups = 3 / 2 * ((shares - 15) ** 2).sum()
    # Of a seed's share in a group: what is left of value / 3 without its seed's and group's mean.
    rest = [np.array([5.0, 5, -10]) / 3, np.array([5.0, 5, -10]) / 3]
    of_both = [3 / 2 * 2 * (one**2).sum() / (2 * 1) for one in rest]
    variance = of_groups + sum(of_seeds) - sum(of_both)
    assert variance > max(of_groups, sum(of_seeds))
    assert found.error == pytest.approx(math.sqrt(variance))
    satterthwaite = variance**2 / (sum(one**2 for one in of_seeds) + of_groups**2 / 2)
    assert found.freedom == pytest.approx(satterthwaite)


def test_systems_that_share_networks_are_compared_seed_by_seed() -> None:
    # Both move together from seed to seed, and the difference is 10 in every one.
    second = np.array([[[0.0, 20, 40, 10], [50, 70, 90, 60]]])
    first = second + np.array([9.0, 11, 9, 11])
    group = ["a", "b", "c", "d"]
    (apart,) = paired_differences(first, second, group)
    (together,) = paired_differences(first, second, group, share_seeds=[True])
    assert apart.value == together.value == pytest.approx(10)
    assert together.error < 1 < 30 < apart.error


def test_one_seed_leaves_the_luck_of_seeds_out() -> None:
    value, group = clustered(np.random.default_rng(10), groups=30, clips=2)
    alone = compare(value, np.zeros_like(value), group)
    shares = value.reshape(30, 2).sum(axis=1) / 60
    assert alone.error == pytest.approx(math.sqrt(30) * shares.std(ddof=1))
    assert alone.freedom == pytest.approx(29)


def exact_p_value(share: list[float]) -> float:
    """Of the sum of shares, by every way to flip their signs."""
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, share, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(share))
    ]
    return sum(one >= abs(sum(share)) - 1e-9 for one in sums) / len(sums)


@pytest.mark.parametrize(
    "share", [[1.0, 2.0], [3.0, 1.0, 2.0, -1.0], [1.0] * 7 + [0.0] * 5, [5.0, -4.0, 3.0, 2.0, 2.0]]
)
def test_p_values_are_those_of_every_flip_of_signs(share: list[float]) -> None:
    group = [str(number) for number in range(len(share))]
    found = compare(share, [0.0] * len(share), group)
    assert found.flip_p_value == pytest.approx(exact_p_value(share), abs=0.01)
    assert found.p_value >= found.flip_p_value


def test_few_groups_are_never_significant_however_much_they_agree() -> None:
    # A bootstrap would call two groups certain; four flips of signs cannot go below a half.
    found = compare([100.0, 100.0], [0.0, 0.0], ["a", "b"])
    assert found.interval()[0] > 0  # no spread is seen
    assert found.p_value == pytest.approx(0.5, abs=0.02)


def test_equal_systems_are_rejected_as_rarely_at_the_levels_holm_tests_at() -> None:
    random = np.random.default_rng(9)
    trials, level = 3000, 0.01
    # Most groups agree, a few differ either way: where a bootstrap rejects twice too often.
    value_SN = 100.0 * random.choice([-1, 0, 0, 0, 1], size=(trials, 30))
    group = [str(number) for number in range(30)]
    rejected = sum(one.p_value < level for one in of_one_seed(value_SN, group, 2000))
    assert rejected / trials <= 0.015


@pytest.mark.parametrize(("shift", "small"), [(0.0, True), (1.0, False), (3.0, True)])
def test_equivalence_is_decided_within_and_outside_the_tolerance_not_on_its_edge(
    shift: float, small: bool
) -> None:
    value = shift + np.tile([-0.5, 0.5], 100)
    found = compare(value, np.zeros(200), [str(number) for number in range(200)])
    assert (found.equivalence_p_value(1.0) < 0.01) == small
    # Under the ordinary null of no difference the first and the last stand the other way round.
    assert (found.p_value < 0.01) == (shift > 0)


def test_an_interval_over_seeds_is_wider_by_their_spread() -> None:
    """Three runs of all and of none of the videos: the spread is the seeds' alone."""
    value = np.array([[[60.0] * 40, [50.0] * 40, [40.0] * 40]])
    group = [str(number) for number in range(40)]
    ((low, high),) = bootstrap_intervals(value, group, draws=20000)
    # Student's with two degrees of freedom: 4.303 standard errors of 10 / sqrt(3).
    assert (low, high) == pytest.approx((50 - 24.84, 50 + 24.84), abs=1.5)
    ((low, high),) = bootstrap_intervals(value[:, :1], group)
    assert low == high == 60  # of that network, which gets every video alike


def test_intervals_over_seeds_cover_the_methods_accuracy() -> None:
    random = np.random.default_rng(11)
    trials, covered, covered_alone = 300, 0, 0
    for _ in range(trials):
        chance = np.clip(random.beta(3, 2, size=(1, 60)) + random.normal(0, 0.05, (3, 1)), 0, 1)
        value = 100.0 * (random.random((3, 60)) < chance)
        group = [str(number) for number in range(60)]
        ((low, high),) = bootstrap_intervals(value[None], group, draws=500)
        covered += low <= 60 <= high
        alone = bootstrap_interval(value.mean(axis=0), group, draws=500)
        covered_alone += alone.low <= 60 <= alone.high
    assert covered / trials >= 0.91
    assert covered_alone < covered


def test_splits_weigh_alike_where_one_lacks_a_class() -> None:
    # Split 0 has classes 0 and 1, split 1 only class 2: every group holds all of it.
    value, stratum, split = [100, 0, 0] * 3, [0, 1, 2] * 3, [0, 0, 1] * 3
    group = [name for name in "abc" for _ in range(3)]
    assert set(bootstrap(value, group, stratum, split=split, draws=20)) == {25}
    assert set(bootstrap(value, group, stratum, draws=20)) == {100 / 3}


def test_pairing_sees_what_two_intervals_do_not() -> None:
    random = np.random.default_rng(5)
    second, group = clustered(random, groups=60, clips=4)
    lucky = random.random(len(second)) < 0.1
    first = np.where(lucky, 100.0, second)
    found = compare(first, second, group)
    assert found.interval()[0] > 0
    assert found.p_value < 0.01
    assert bootstrap_interval(first, group)[0] < bootstrap_interval(second, group)[1]


def test_equal_systems_are_told_apart_as_rarely_as_promised() -> None:
    random = np.random.default_rng(6)
    trials, rejected = 400, 0
    for _ in range(trials):
        chance = random.random((50, 1))
        first, second = (100.0 * (random.random((50, 4)) < chance) for _ in range(2))
        group = [str(index // 4) for index in range(200)]
        found = compare(first.ravel(), second.ravel(), group, draws=400)
        rejected += found.p_value < 0.05
    assert 0.02 <= rejected / trials <= 0.09


def test_a_system_does_not_differ_from_itself() -> None:
    value, group = clustered(np.random.default_rng(7), groups=10, clips=2)
    found = compare(value, value, group)
    assert (found.value, found.interval(), found.p_value) == (0, (0, 0), 1)


def test_with_many_groups_p_value_and_interval_agree() -> None:
    random = np.random.default_rng(8)
    for shift in np.linspace(0, 40, 15):
        first, group = clustered(random, groups=60, clips=2)
        second, _ = clustered(random, groups=60, clips=2)
        found = compare(first + shift, second, group, draws=4000)
        for confidence in (0.8, 0.95):
            if abs(found.p_value - (1 - confidence)) > 0.03:
                low, high = found.interval(confidence)
                assert (found.p_value < 1 - confidence) == (low > 0 or high < 0)


def test_holm_by_hand() -> None:
    # Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1 lifted to its predecessor's.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # Two are rejected, at 0.05 / 3 and 0.05 / 4; the procedure stops at 0.05 / 2.
    assert holm_confidence([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [1 - 0.05 / 3, 0.975, 0.975, 1 - 0.05 / 4]
    )
    assert holm([]) == []


@given(P_VALUES)
def test_holm_lies_between_uncorrected_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, corrected in zip(p_values, adjusted, strict=True):
        assert p <= corrected <= min(1, len(p_values) * p)
    by_p = sorted(zip(p_values, adjusted, strict=True))
    assert [corrected for _, corrected in by_p] == sorted(adjusted)


@given(P_VALUES)
def test_intervals_at_holms_levels_reject_what_holm_rejects(p_values: list[float]) -> None:
    for p, corrected, level in zip(
        p_values, holm(p_values), holm_confidence(p_values), strict=True
    ):
        if not math.isclose(p, 1 - level, rel_tol=1e-9):
            assert (p < 1 - level) == (corrected < 0.05)


def test_percentile_interval_leaves_out_both_tails() -> None:
    assert percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))
