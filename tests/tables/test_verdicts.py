"""Verdicts on claims: PROTOCOLS' rule, differences by hand, and what missing runs leave."""

from dataclasses import replace
from math import sqrt
from typing import Any

import pandas as pd
import pytest
from scipy.stats import t as student

from rev2net.cli import main
from rev2net.config import Config, dump
from rev2net.evaluation.statistics import Interval
from rev2net.paper.claims import CLAIMS, TOLERANCE
from rev2net.paper.tables import CONTRADICTIONS
from rev2net.runs.identity import Run
from rev2net.tables.verdicts import (
    COLUMNS,
    CONTRADICTION,
    FEWEST_GROUPS,
    measure_claims,
    verdict,
)

NAMED = {claim.name: claim for claim in CLAIMS}
BETTER, EQUAL = NAMED["flow-transfers-worse"], NAMED["two-streams-gain-nothing"]


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.5, 9, "holds"), (-9, -0.5, "fails"), (-1, 9, "undecided"), (0, 3, "undecided")],
)
def test_a_claim_of_better_holds_where_the_interval_lies_on_its_side(
    low: float, high: float, word: str
) -> None:
    assert verdict(BETTER, Interval(low, high), 0.01, 40, seeds=3) == word
    assert verdict(BETTER, Interval(low, high), 0.01, 40, seeds=1) == "undecided (one seed)"


def test_an_interval_that_its_p_value_does_not_bear_out_decides_nothing() -> None:
    assert verdict(BETTER, Interval(0.5, 9), 0.06, 5, 3) == "undecided"
    assert verdict(EQUAL, Interval(0, 0), 0.001, FEWEST_GROUPS - 1, 3) == "undecided"


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.9, 0.9, "holds"),
        (1.2, 5, "fails"),
        (-5, -1.2, "fails"),
        (-0.5, 1.5, "undecided"),
        (-3, 3, "undecided"),
    ],
)
def test_a_claim_of_no_difference_holds_within_one_point(
    low: float, high: float, word: str
) -> None:
    assert TOLERANCE == 1.0
    assert verdict(EQUAL, Interval(low, high), 0.01, 40, seeds=2) == word


def of(frame: pd.DataFrame, claim: str, benchmark: str, words: str) -> Any:
    rows = frame[(frame["claim"] == claim) & (frame["benchmark"] == benchmark)]
    return rows[rows["first"].str.startswith(words)].iloc[0]


def add_stream(work: Any, run: Run, right: list[int]) -> None:
    """Both seeds of a run on 40 videos in 20 groups; `right` are the seeds' counts."""
    for seed, count in enumerate(right):
        ranks = [1] * count + [2] * (40 - count)
        work.add(replace(run, seed=seed), [0, 1] * 20, ranks)


def test_a_difference_is_first_minus_second_in_points_with_seeds_averaged(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    add_stream(work, i3d_rgb, [40, 38])
    add_stream(work, replace(i3d_rgb, input="flow"), [4, 2])
    frame = measure_claims(config, work.root)
    row = of(frame, "flow-transfers-worse", "hmdb-ucf", "I3D")
    assert row["difference"] == 90.0  # (97.5 - 7.5) %
    assert (row["verdict"], row["paper_difference"]) == ("holds", 11.4)
    assert row["ci_low"] > 0
    assert row["p_value"] <= row["p_holm"] < 0.05


def test_equal_streams_are_no_difference_and_hold_the_claim_of_none(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    add_stream(work, i3d_rgb, [20, 20])
    add_stream(work, replace(i3d_rgb, input="rgb+flow"), [20, 20])
    row = of(measure_claims(config, work.root), "two-streams-gain-nothing", "hmdb-ucf", "I3D")
    assert (row["difference"], row["verdict"]) == (0.0, "holds")


def test_missing_runs_leave_a_comparison_empty_with_the_reason(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    add_stream(work, i3d_rgb, [40, 38])
    row = of(measure_claims(config, work.root), "flow-transfers-worse", "hmdb-ucf", "I3D")
    assert row["verdict"] == "not measured"
    assert pd.isna(row["difference"])
    assert "i3d/flow.scratch.mkmmd" in row["note"]


def test_holm_corrects_for_every_comparison_of_the_table(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    # 24 right against 20: 2 of 20 groups differ, so nothing is decided, corrected least of all.
    add_stream(work, i3d_rgb, [24, 24])
    add_stream(work, replace(i3d_rgb, input="flow"), [0, 0])
    row = of(measure_claims(config, work.root), "flow-transfers-worse", "hmdb-ucf", "I3D")
    # Table 1 has 3 methods x 2 claims x 2 directions; those not run yet count.
    assert row["family"] == 12
    assert row["p_holm"] == pytest.approx(12 * row["p_value"], abs=1e-4)
    # 12 of 20 groups differ by 100, and seeds do not: Student's t of 19 degrees of freedom, with
    # the variance of a mean over 20 groups, at 0.05 / 12, the level of the first of 12.
    error = 100 * sqrt(0.6 * 0.4 / 19)
    reach = student.ppf(1 - 0.05 / 12 / 2, 19) * error
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((60 - reach, 60 + reach), abs=0.01)
    # Found four times in five: a little more than without the luck of the error's estimate.
    assert row["detectable"] == pytest.approx(reach + student.ppf(0.8, 19) * error, rel=0.1)
    assert row["detectable"] > reach


def test_one_seed_leaves_every_claim_undecided_and_says_whose_interval_it_is(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    alone = config.model_copy(update={"seeds": (0,)})
    add_stream(work, i3d_rgb, [40])
    add_stream(work, replace(i3d_rgb, input="flow"), [2])
    row = of(measure_claims(alone, work.root), "flow-transfers-worse", "hmdb-ucf", "I3D")
    assert (row["difference"], row["verdict"]) == (95.0, "undecided (one seed)")
    assert row["note"] == "the interval is for these trained networks"
    assert pd.isna(row["detectable"])


def test_the_same_difference_is_less_sure_the_more_that_seeds_differ(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    add_stream(work, i3d_rgb, [30, 30])
    add_stream(work, replace(i3d_rgb, input="flow"), [10, 10])
    steady = of(measure_claims(config, work.root), "flow-transfers-worse", "hmdb-ucf", "I3D")
    add_stream(work, i3d_rgb, [40, 20])
    add_stream(work, replace(i3d_rgb, input="flow"), [20, 0])
    spread = of(measure_claims(config, work.root), "flow-transfers-worse", "hmdb-ucf", "I3D")
    assert steady["difference"] == spread["difference"] == 50.0
    assert spread["ci_low"] < 0 < steady["ci_low"]
    assert (steady["verdict"], spread["verdict"]) == ("holds", "undecided")
    # Two seeds that differ by 50 points could not tell 0 from 100.
    assert (spread["ci_low"], spread["ci_high"]) == (-100, 100)
    assert steady["detectable"] < 100
    assert pd.isna(spread["detectable"])
    assert spread["note"] == "2 seeds on this test set find no difference, however large"


def test_a_claim_of_no_difference_says_where_the_test_set_cannot_decide_it(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    # No difference on average: half of the groups are won, half are lost.
    add_stream(work, i3d_rgb, [20, 20])
    ranks = [2] * 20 + [1] * 20
    for seed in (0, 1):
        run = replace(i3d_rgb, input="rgb+flow", seed=seed)
        work.add(run, [0, 1] * 20, ranks)
    row = of(measure_claims(config, work.root), "two-streams-gain-nothing", "hmdb-ucf", "I3D")
    assert (row["difference"], row["verdict"]) == (0.0, "undecided")
    assert "this test set and 2 seeds cannot decide it: the interval reaches" in row["note"]
    assert row["detectable"] > TOLERANCE


def test_with_source_only_rows_the_adapted_ones_are_compared(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    tables = config.cross_dataset_tables.model_copy(update={"source_only": True})
    both = config.model_copy(update={"cross_dataset_tables": tables})
    add_stream(work, i3d_rgb, [40, 40])
    add_stream(work, replace(i3d_rgb, input="flow"), [0, 0])
    for input_ in ("rgb", "flow"):  # without adaptation: no difference
        add_stream(work, replace(i3d_rgb, input=input_, adapt="none"), [20, 20])
    row = of(measure_claims(both, work.root), "flow-transfers-worse", "hmdb-ucf", "I3D")
    assert row["difference"] == 100.0


def test_a_claim_of_no_difference_has_the_p_value_of_equivalence(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    add_stream(work, i3d_rgb, [40, 40])
    add_stream(work, replace(i3d_rgb, input="rgb+flow"), [40, 40])
    row = of(measure_claims(config, work.root), "two-streams-gain-nothing", "hmdb-ucf", "I3D")
    assert row["p_value"] < 0.001  # of no difference at all it would be 1
    assert row["note"] == "the paper's own numbers differ by more"  # 57.9 - 56.4


def test_the_papers_contradictions_are_listed(work: Any, config: Config) -> None:
    frame = measure_claims(config, work.root)
    assert list(frame.columns) == COLUMNS
    listed = frame[frame["verdict"] == CONTRADICTION]
    assert list(listed["statement"]) == list(CONTRADICTIONS)


def test_the_command_says_what_a_mini_verdict_is_worth(
    work: Any, config: Config, i3d_rgb: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    add_stream(work, i3d_rgb, [40, 38])
    add_stream(work, replace(i3d_rgb, input="flow"), [4, 2])
    out = work.root / "claims.csv"
    words = ["claims", "--settings", dump(config), "--root", str(work.root), "--out", str(out)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("evidence about the paper: none: synthetic mini benchmark")
    line = next(line for line in printed.splitlines() if line.startswith("holds"))
    assert "flow-transfers-worse, hmdb-ucf: I3D RGB against I3D Flow, +90.0 [" in line
    assert "could be found (paper +11.4)" in line
    evidence = pd.read_csv(out)["evidence"].dropna().unique()
    assert list(evidence) == ["none: synthetic mini benchmark, an exercise of the machinery"]
