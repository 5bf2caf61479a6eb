"""How often a verdict is wrong by the luck of a seed, and how often it finds a true difference.

    python -m tests.tables.verdict_errors                # 1,000 trials a row, a minute or two
    python -m tests.tables.verdict_errors --trials 100 --seeds 3 --spreads 1

A trial is a test set of groups of near-duplicate clips, and trainings of two methods on it, scored
as hits and misses. Trainings differ in their true accuracy (the spread, in points) and in which
groups and clips they happen to get right. "different": the same method against itself gets a
verdict all the same; 5 % is what the test promises at most. "found": the second method is better by
what the test said, on other data like these, that it could find four times in five; "detectable" is
the median of that. Two simpler tests stand beside it, which verdicts do not rest on: flipping the
signs of groups with seeds averaged, and the percentiles of resampled seeds and groups.
Prints a Markdown table; docs/decisions.md has it.
"""

import argparse
import statistics

import numpy as np
from numpy.typing import NDArray

from rev2net.evaluation.statistics import Difference, paired_differences
from rev2net.paper.claims import CLAIMS
from rev2net.tables.verdicts import verdict

BETTER = next(claim for claim in CLAIMS if claim.kind == "better")
GROUPS, CLIPS = 105, 5  # of UCF101's test clips on the 12 classes: 571 in 105 groups
ACCURACY = 60.0  # percent
SHARED = 0.8  # of what decides a hit: how hard the clip is, for every training; the rest is luck
OF_GROUP = 0.7  # of both, so much is the group's, the rest the clip's
RESAMPLES = 1000
DRAWS = 4000  # of signs


def hits(
    trials: int,
    seeds: int,
    spread: float,
    better: NDArray[np.float64] | float,
    random: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Values (trials, seeds, clips) of two methods, 100 or 0, and the clips' groups.

    The second method is better by so many points, of each trial or of all.
    """

    def drawn(*shape: int) -> NDArray[np.float64]:
        of_group = random.normal(size=(*shape, GROUPS, 1)) * OF_GROUP**0.5
        return of_group + random.normal(size=(*shape, GROUPS, CLIPS)) * (1 - OF_GROUP) ** 0.5

    hardness = drawn(trials, 1, 1) * SHARED**0.5 + drawn(trials, 2, seeds) * (1 - SHARED) ** 0.5
    accuracy = ACCURACY + spread * random.normal(size=(trials, 2, seeds))
    accuracy[:, 1] += np.reshape(better, (-1, 1))
    normal = statistics.NormalDist()
    threshold = np.vectorize(normal.inv_cdf)(np.clip(accuracy / 100, 0.01, 0.99))
    right = 100.0 * (hardness < threshold[..., None, None]).reshape(trials, 2, seeds, -1)
    return right[:, 0], right[:, 1], [f"g{clip // CLIPS}" for clip in range(GROUPS * CLIPS)]


def verdicts(differences: list[Difference], seeds: int) -> list[str]:
    """Of the only claim of a table, that the second method is better."""
    return [verdict(BETTER, one.interval(), one.p_value, GROUPS, seeds) for one in differences]


def resampled_apart(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    random: np.random.Generator,
    resamples: int,
) -> float:
    """How often the percentiles of resampled seeds and groups leave out 0."""
    trials, seeds = first.shape[:2]
    apart = 0
    for trial in range(trials):
        share = np.stack([first[trial], second[trial]]).reshape(2, seeds, GROUPS, -1).mean(axis=3)
        times = random.multinomial(GROUPS, np.full(GROUPS, 1 / GROUPS), size=resamples) / GROUPS
        of_seed = np.einsum("rg,msg->rms", times, share)
        chosen = random.integers(seeds, size=(resamples, 2, seeds))
        mean = np.take_along_axis(of_seed, chosen, axis=2).mean(axis=2)
        low, high = np.quantile(mean[:, 1] - mean[:, 0], [0.025, 0.975])
        apart += bool(low > 0 or high < 0)
    return apart / trials


def measure(
    trials: int, seeds: int, spread: float, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, float]:
    """One row of the table: fractions of the trials, and points."""
    random = np.random.default_rng((seed, seeds, round(10 * spread)))
    first, second, group = hits(trials, seeds, spread, 0.0, random)
    same = paired_differences(second, first, group, draws=DRAWS)
    called = verdicts(same, seeds)
    detectable = np.array([one.detectable() for one in same])
    first_, better, _ = hits(trials, seeds, spread, detectable, random)
    found = verdicts(paired_differences(better, first_, group, draws=DRAWS), seeds)
    row = {
        "different": sum(word in ("holds", "fails") for word in called) / trials,
        "detectable": float(np.median(detectable)),
        "found": found.count("holds") / trials,
        "signs of groups": sum(one.flip_p_value < 0.05 for one in same) / trials,
    }
    if resamples:
        row["resampled"] = resampled_apart(first, second, random, resamples)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5])
    parser.add_argument("--spreads", type=float, nargs="+", default=[0, 1, 3], help="points")
    args = parser.parse_args()
    print("| seeds | spread | different | detectable | found | signs of groups | resampled |")
    print("|---|---|---|---|---|---|---|")
    for seeds in args.seeds:
        for spread in args.spreads:
            row = measure(args.trials, seeds, spread)
            percent = {key: f"{100 * row[key]:.1f} %" for key in row if key != "detectable"}
            print(
                f"| {seeds} | {spread:g} | {percent['different']} | {row['detectable']:.1f} | "
                f"{percent['found']} | {percent['signs of groups']} | {percent['resampled']} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
