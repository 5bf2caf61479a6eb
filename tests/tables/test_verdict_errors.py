"""Verdicts count the luck of a seed: a method seldom differs from itself, and power is as stated.

Fewer trials than `python -m tests.tables.verdict_errors`, whose 1,000 stand in docs/decisions.md.
"""

import math

import pytest

from tests.tables import verdict_errors

TRIALS = 150


def bound(rate: float) -> float:
    """What so many trials exceed once in a thousand times at that rate."""
    return rate + 3.1 * math.sqrt(rate * (1 - rate) / TRIALS)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("spread", [0, 1, 3])
def test_a_method_is_seldom_called_different_from_itself(seeds: int, spread: float) -> None:
    found = verdict_errors.measure(TRIALS, seeds, spread, resamples=0)
    assert found["different"] <= bound(0.05)
    # With seeds averaged, signs of groups err more the more that trainings differ.
    if spread == 3:
        assert found["signs of groups"] > bound(0.05)


@pytest.mark.parametrize("seeds", [3, 5])
def test_a_difference_of_the_stated_size_is_found_as_often_as_stated(seeds: int) -> None:
    found = verdict_errors.measure(TRIALS, seeds, 1, seed=1, resamples=0)["found"]
    assert 1 - bound(0.2) - 0.03 <= found <= bound(0.8) + 0.03


def test_one_seed_decides_nothing() -> None:
    found = verdict_errors.measure(20, 1, 3, resamples=0)
    assert (found["different"], found["found"]) == (0, 0)
