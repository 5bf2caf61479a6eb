"""The report's first words, against claims and tables written by hand."""

from typing import Any

import pandas as pd
import pytest

from rev2net.report.overview import findings, leaders
from rev2net.report.paper_claims import why_undecided
from tests.work_folder import CONFIG

BASE: dict[str, Any] = {
    "claim": "a",
    "source": "section 3",
    "kind": "better",
    "table": "table5",
    "benchmark": "hmdb-ucf",
    "paper_difference": 4.5,
    "difference": 1.0,
    "ci_low": -9.0,
    "ci_high": 11.0,
    "p_holm": 0.8,
    "verdict": "undecided",
    "groups": 40,
    "seeds": 1,
    "detectable": float("nan"),
}


def claims(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([BASE | row for row in rows])


WON = {"first": "Rev2Net RGB", "second": "I3D RGB", "verdict": "holds", "difference": 7.25,
       "ci_low": 2.0, "ci_high": 12.5}  # fmt: skip
LOST = {"first": "Rev2Net RGB", "second": "TSN RGB + Flow", "verdict": "fails", "claim": "b",
        "difference": -12.0, "ci_low": -20.0, "ci_high": -4.0}  # fmt: skip
OPEN = {"first": "TSM RGB", "second": "TSM Flow", "claim": "c"}
ABSENT = {"first": "Rev2Net RGB", "second": "Rev2Net w/o DDP RGB", "claim": "d",
          "verdict": "not measured", "difference": float("nan")}  # fmt: skip


def test_the_first_paragraph_says_who_wins_by_how_much() -> None:
    first, second = findings(claims(WON, LOST, OPEN, ABSENT), CONFIG)
    assert first.startswith(
        "Of the paper's 4 claims 1 holds in every comparison, 1 fails in one at least, "
        "1 is undecided and 1 is not measured here. "
        "Rev2Net against the other networks: 1 better and 1 worse. "
        "Better: Rev2Net RGB against I3D RGB on HMDB→UCF, +7.2 points [+2.0, +12.5]. "
        "Worse: Rev2Net RGB against TSN RGB + Flow on HMDB→UCF, −12.0 points [−20.0, −4.0]. "
    )
    assert "ablations" not in first  # none is measured
    assert second.startswith("1 of 3 measured comparisons is undecided: on 40 source groups and 1")


def test_a_claim_holds_where_every_comparison_does() -> None:
    half = claims(WON, WON | {"verdict": "undecided"})
    assert findings(half, CONFIG)[0].startswith(
        "Nothing is decided: the one claim of the paper is undec"
    )
    assert "1 fails in one at least" in findings(claims(WON, WON | {"verdict": "fails"}), CONFIG)[0]


def test_claims_of_ones_own_are_told_apart_from_the_papers() -> None:
    mine = {"source": "configuration", "first": "My I3D RGB", "claim": "mine"}
    first, second, third = findings(claims(OPEN, WON | mine), CONFIG)
    assert first.startswith("Nothing is decided: the one claim of the paper is undecided.")
    assert second == (
        "Of the configuration's 1 claim 1 holds in every comparison here. Pairs that it ranks: "
        "1 better. Better: My I3D RGB against I3D RGB on HMDB→UCF, +7.2 points [+2.0, +12.5]."
    )
    assert third.startswith("1 of 2 measured comparisons is undecided")
    alone = findings(claims(WON | mine), CONFIG)
    assert alone == [second]


def test_what_is_undecided_is_told_with_groups_seeds_and_width() -> None:
    wide = OPEN | {"ci_low": -30.0, "ci_high": 30.0, "groups": 77, "seeds": 3}
    first, second = findings(claims(OPEN, wide | {"paper_difference": -0.5}), CONFIG)
    assert first.startswith("Nothing is decided: the one claim of the paper is undecided. ")
    assert "Other pairs that the paper ranks: all 2 undecided." in first
    assert second == (
        "2 of 2 measured comparisons are undecided: on 40 to 77 source groups and 1 to 3 seeds an "
        "interval reaches 10.0 to 30.0 points to either side, and only a difference beyond that is "
        "told from none; the paper's own are 0.5 to 4.5 points. More seeds and more source groups "
        "decide more."
    )


def test_power_and_reason_are_told_where_the_file_has_them() -> None:
    one = OPEN | {"verdict": "undecided (one seed)", "detectable": float("nan")}
    frame = claims(one, OPEN | {"detectable": 5.2}, OPEN | {"detectable": 12.0})
    second = findings(frame, CONFIG)[1]
    found = "A true difference of 5.2 to 12.0 points would be found four times in five."
    assert found in second
    assert "Undecided whatever the interval: 1 for one seed." in second
    assert "3 of 3 measured comparisons" in second
    assert "four times in five" not in findings(claims(OPEN), CONFIG)[1]


def test_nothing_measured_says_nothing() -> None:
    assert findings(None, CONFIG) == []
    assert findings(claims(ABSENT), CONFIG) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (WON, ""),
        (OPEN, "interval holds 0"),
        (OPEN | {"kind": "equal"}, "interval leaves ±1 point"),
        (OPEN | {"kind": "equal", "groups": 6}, "20 groups needed"),
        (OPEN | {"ci_low": 0.5}, "p-value does not agree with the interval"),
        (OPEN | {"verdict": "undecided (one seed)"}, "one seed; interval holds 0"),
        (OPEN | {"verdict": "undecided (one seed)", "ci_low": 0.5}, "one seed"),
    ],
)
def test_each_undecided_comparison_says_why(row: dict[str, Any], reason: str) -> None:
    assert why_undecided(claims(row).iloc[0]) == reason


def table(measured: list[float | None], width: float) -> pd.DataFrame:
    values = pd.Series(measured, dtype=float)
    return pd.DataFrame(
        {
            "metric": "top1",
            "row": ["TSN", "TSM", "I3D"],
            "input": ["rgb", "rgb+flow", "rgb"],
            "benchmark": "ucf-hmdb",
            "measured": values,
            "ci_low": values - width,
            "ci_high": values + width,
        }
    )


def test_each_column_names_its_highest_and_how_alone_it_is() -> None:
    assert leaders({"table5": table([40, 61.25, 55], 4)}, CONFIG) == [
        "Table 5, UCF→HMDB: TSM RGB + Flow with 61.3 % [57.3, 65.3]; "
        "1 of 2 other intervals reach into its own."
    ]
    assert leaders({"table5": table([50, 50, 20], 4)}, CONFIG) == [
        "Table 5, UCF→HMDB: TSN RGB and 1 other with 50.0 % [46.0, 54.0]; "
        "1 of 2 other intervals reach into its own."
    ]
    assert leaders({"table5": table([50, 50, 50], 4)}, CONFIG) == [
        "Table 5, UCF→HMDB: all 3 rows are equal at 50.0 %."
    ]
    assert leaders({"table5": table([None, None, 55], 4)}, CONFIG) == [
        "Table 5, UCF→HMDB: I3D RGB with 55.0 % [51.0, 59.0]."
    ]
    assert leaders({"table5": table([None, None, None], 4)}, CONFIG) == []
